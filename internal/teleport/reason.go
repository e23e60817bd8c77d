package teleport

import (
	"errors"
	"math"
	"strings"

	"github.com/gravitational/trace"
)

// dialReason returns the one error that says why no way to the cluster works.
// The client tries an address as each kind of service at once and returns all
// errors in the order in which they came; most of them say only that the address
// is another kind of service.
func dialReason(err error, at service) error {
	var all trace.Aggregate
	if !errors.As(err, &all) {
		return err
	}
	best, rank := err, math.MaxInt
	for _, one := range all.Errors() {
		if r := rankReason(one.Error(), at); r < rank {
			best, rank = one, r
		}
	}
	return best
}

// rankReason orders errors by how early in the connection they arise, most
// telling first: the network, the server's certificate, SSH, HTTP. Last are
// those of a way that is none for the service that answers.
func rankReason(text string, at service) int {
	contains := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	const otherWay = 10
	rank := 5
	switch {
	case contains("no such host", "connection refused", "network is unreachable", "no route to host"):
		rank = 0
	case contains("x509: ", "tls: failed to verify"):
		rank = 1
	case certificateRefused(errors.New(text)):
		rank = 2
	case contains("failed to switch Protocols", "connection upgrade"):
		rank = 3
	case contains("invalid character", "EOF"):
		rank = 4
	case contains("TLS routing is not enabled", "context canceled"):
		rank = otherWay
	}
	asAuth := contains("as an auth server")
	if at == proxyService && (asAuth || contains("as a reverse tunnel proxy")) || at == authService && !asAuth {
		rank += otherWay
	}
	return rank
}

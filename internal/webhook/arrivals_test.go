package webhook

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestArrivalsAreSummarizedOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(Auth{}.WithHeader("X-Token", "s"))
		send := func(token, body string) {
			r := post(body)
			r.Header.Set("X-Token", token)
			e.do(r)
		}
		lines := func() []string {
			synctest.Wait()
			var out []string
			for line := range strings.Lines(e.log.String()) {
				if strings.Contains(line, "level=INFO") {
					_, said, _ := strings.Cut(strings.TrimSpace(line), "msg=")
					out = append(out, said)
				}
			}
			e.log.Reset()
			return out
		}
		send("wrong", moved)
		require.Empty(t, lines(), "one that is refused is a warning, and not the first")
		send("s", moved)
		require.Equal(t, []string{`"first webhook received" result=accepted`}, lines())
		send("s", moved)
		send("s", "{}")
		e.do(httpGet())
		<-time.After(summaryInterval - time.Second)
		require.Empty(t, lines())
		<-time.After(time.Second)
		require.Equal(t, []string{`"webhooks received" within=1h0m0s accepted=2 ignored=1 method=1 unauthenticated=1`}, lines())

		<-time.After(10 * summaryInterval)
		require.Empty(t, lines(), "hours without any")
		send("s", moved)
		<-time.After(summaryInterval)
		require.Equal(t, []string{`"webhooks received" within=1h0m0s accepted=1`}, lines())
	})
}

// httpGet is no webhook.
func httpGet() *http.Request {
	r := post("")
	r.Method = http.MethodGet
	return r
}

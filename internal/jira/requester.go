package jira

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

const (
	// maxRequesters bounds the memory of requesters' accounts.
	maxRequesters = 10_000
	// requesterTTL is how long a requester's account, or that there is none, is
	// remembered; requesterFaultTTL how long that it could not be told.
	requesterTTL      = 10 * time.Minute
	requesterFaultTTL = 30 * time.Second
	// userPage is how many accounts a search asks for.
	userPage = 50
)

var (
	errManyFound    = errors.New("more accounts match the requester's name than Jira shows at once")
	errManyAccounts = errors.New("more than one Jira account may have the requester's address")
)

// requester is what is known of a Teleport user's Jira account: its id, "" where
// there is none, or why that can't be told.
type requester struct {
	id  string
	err error
}

// RequesterAccount returns the id of the Jira account whose address or user name
// is the Teleport user's name; "" where no account has it. Where that can't be
// told before somebody changes something the error is permanent. It makes one
// call a user, however many ask, and remembers the answer for minutes.
func (c *Client) RequesterAccount(ctx context.Context, user string) (string, error) {
	if known, ok := c.requesters.Get(user); ok {
		return known.id, known.err
	}
	answer, err, _ := c.requesterCalls.Do(user, func() (any, error) {
		id, err := c.findRequester(ctx, user)
		switch {
		case err == nil:
			c.requesters.Put(user, requester{id: id})
		case access.ClassOf(err) == access.Permanent:
			c.requesters.PutFor(user, requester{err: err}, requesterFaultTTL)
		}
		return id, err
	})
	id, _ := answer.(string)
	return id, err
}

func (c *Client) findRequester(ctx context.Context, user string) (string, error) {
	info, err := c.info(ctx)
	if err != nil {
		return "", err
	}
	k := call{op: "find account of requester", key: user, method: http.MethodGet, read: true}
	switch address := strings.Contains(user, "@"); {
	case strings.TrimSpace(user) == "", info.cloud && !address:
		return "", nil // Cloud has no user names
	case !address:
		who, err := c.userByName(ctx, k, user)
		return who.ID, err
	}
	found, err := c.searchUsers(ctx, k, user)
	if err != nil {
		return "", err
	}
	exact := slices.DeleteFunc(slices.Clone(found), func(a access.Actor) bool {
		return !strings.EqualFold(a.Email, user) && !strings.EqualFold(a.Name, user)
	})
	switch {
	case len(exact) > 1:
		return "", k.error(access.Permanent, errManyAccounts)
	case len(found) >= userPage:
		return "", k.error(access.Permanent, errManyFound) // another may have the address, too
	case len(exact) == 1:
		return exact[0].ID, nil
	case len(found) == 0:
		return "", c.requireUserSearch(ctx, k)
	}
	return c.amongHidden(k, found)
}

// amongHidden returns the one account that hides its address: Jira finds it by
// the whole of it.
func (c *Client) amongHidden(k call, found []access.Actor) (string, error) {
	hidden := slices.DeleteFunc(found, func(a access.Actor) bool { return strings.Contains(a.Email, "@") })
	switch len(hidden) {
	case 0:
		return "", nil
	case 1:
		return hidden[0].ID, nil
	}
	return "", k.error(access.Permanent, errManyAccounts)
}

// userByName looks an account of Data Center up by its user name; none is no
// error.
func (c *Client) userByName(ctx context.Context, k call, name string) (access.Actor, error) {
	k.endpoint = "/user"
	k.path = k.endpoint + query("username", name)
	var raw account
	err := c.call(ctx, k, &raw)
	if failed := (*access.Error)(nil); errors.As(err, &failed) && failed.Status == http.StatusNotFound {
		return access.Actor{}, nil
	}
	return raw.actor(), err
}

package teleport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	userspb "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

const (
	// usersTTL is how long a listing of users is used. Within that time
	// a person who lost a Teleport user may still be mapped to it; the server
	// then refuses the review.
	usersTTL = time.Minute
	// maxTraits bounds the cache. The configuration names one trait.
	maxTraits = 8
	// userPageSize is how many users are requested at once.
	userPageSize = 500
)

// usersAnswer is a listing of users, or why it was refused.
type usersAnswer struct {
	byValue map[string][]string // user names by value of the trait
	refused error
}

// UsersByTrait returns the Teleport users one of whose traits has the value,
// none for an empty value. The result is up to a minute old. Without the right
// to read users it is a Permanent error that names the rule to add.
func (c *Client) UsersByTrait(ctx context.Context, trait, value string) ([]string, error) {
	if trait == "" || value == "" {
		return nil, nil
	}
	// Held during the listing, so that concurrent callers share one.
	c.listing.Lock()
	defer c.listing.Unlock()
	answer, ok := c.users.Get(trait)
	if !ok {
		byValue, err := c.listUsers(ctx, trait)
		if err != nil && access.ClassOf(err) != access.Permanent {
			return nil, err
		}
		answer = usersAnswer{byValue: byValue, refused: err}
		c.users.Put(trait, answer)
	}
	if answer.refused != nil {
		return nil, answer.refused
	}
	return slices.Clone(answer.byValue[value]), nil
}

// listUsers lists all users, a page at a time, and indexes their names by the
// trait's values.
func (c *Client) listUsers(ctx context.Context, trait string) (map[string][]string, error) {
	byValue := make(map[string][]string)
	token := ""
	for {
		page, err := call(ctx, c, methodListUsers(), "",
			func(ctx context.Context, a api) (*userspb.ListUsersResponse, error) {
				return a.ListUsers(ctx, &userspb.ListUsersRequest{PageSize: userPageSize, PageToken: token})
			})
		if err != nil {
			return nil, explainUsersError(err)
		}
		for _, user := range page.GetUsers() {
			// A trait may hold a value twice; the user is indexed once.
			for _, value := range slices.Compact(slices.Sorted(slices.Values(user.GetTraits()[trait]))) {
				byValue[value] = append(byValue[value], user.GetName())
			}
		}
		next := page.GetNextPageToken()
		if next == "" {
			return byValue, nil
		}
		if next == token {
			return nil, &access.Error{Op: methodListUsers().op, Class: access.Temporary, Err: errSamePage}
		}
		token = next
	}
}

var errUsersDenied = errors.New("the daemon may not read users: " +
	"add to one of its roles allow.rules: [{resources: [user], verbs: [list, read]}]")

// explainUsersError names the rule to add where a right is missing.
func explainUsersError(err error) error {
	if !trace.IsAccessDenied(err) {
		return err
	}
	return &access.Error{
		Op: methodListUsers().op, Class: access.Permanent,
		Err: fmt.Errorf("%w (%s)", errUsersDenied, serverMessage(err)),
	}
}

package teleport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	userspb "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	"github.com/gravitational/trace"

	"teleport-jira/internal/access"
)

const (
	// usersFor is how long what was read of users is taken for true. Within
	// that time a person who lost a Teleport user may still be mapped to it;
	// the server then turns the review down.
	usersFor = time.Minute
	// userPage is how many users are asked for at once.
	userPage = 500
)

// UsersByTrait lists the Teleport users one of whose traits has the value,
// none for an empty value. Users are read a page at a time and the answer is
// up to a minute old. Without the right to read users it is a Permanent error
// that names the rule to add.
func (c *Client) UsersByTrait(ctx context.Context, trait, value string) ([]string, error) {
	if trait == "" || value == "" {
		return nil, nil
	}
	c.users.mu.Lock()
	defer c.users.mu.Unlock()
	if c.users.trait != trait || time.Since(c.users.read) >= usersFor {
		names, err := c.readUsers(ctx, trait)
		if err != nil && access.ClassOf(err) != access.Permanent {
			return nil, err
		}
		c.users.trait, c.users.names, c.users.denied, c.users.read = trait, names, err, time.Now()
	}
	if c.users.denied != nil {
		return nil, c.users.denied
	}
	return slices.Clone(c.users.names[value]), nil
}

// readUsers reads all users and keeps their names by the trait's values.
func (c *Client) readUsers(ctx context.Context, trait string) (map[string][]string, error) {
	names := make(map[string][]string)
	token := ""
	for {
		page, err := call(ctx, c, methodListUsers(), "",
			func(ctx context.Context, a api) (*userspb.ListUsersResponse, error) {
				return a.ListUsers(ctx, &userspb.ListUsersRequest{PageSize: userPage, PageToken: token})
			})
		if err != nil {
			return nil, explainUsers(err)
		}
		for _, user := range page.GetUsers() {
			// A value may be there twice in a trait, and names its user once.
			for _, value := range slices.Compact(slices.Sorted(slices.Values(user.GetTraits()[trait]))) {
				names[value] = append(names[value], user.GetName())
			}
		}
		next := page.GetNextPageToken()
		if next == "" {
			return names, nil
		}
		if next == token {
			return nil, &access.Error{Op: methodListUsers().op, Class: access.Temporary, Err: errSamePage}
		}
		token = next
	}
}

var errUsersDenied = errors.New("the daemon may not read users: " +
	"add to one of its roles allow.rules: [{resources: [user], verbs: [list, read]}]")

// explainUsers adds the rule to add where a right is missing.
func explainUsers(err error) error {
	if !trace.IsAccessDenied(err) {
		return err
	}
	return &access.Error{
		Op: methodListUsers().op, Class: access.Permanent,
		Err: fmt.Errorf("%w (%s)", errUsersDenied, plainWords(err)),
	}
}

// userCache keeps the users' names by the values of one trait, or why they
// can't be had. Its lock is held while users are being read, so that they are
// read once for all who wait.
type userCache struct {
	mu     sync.Mutex
	trait  string
	names  map[string][]string
	denied error
	read   time.Time
}

package teleport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	userspb "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	"github.com/gravitational/teleport/api/types"
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
	// maxNamed bounds the cache of single users; beyond it it starts anew.
	maxNamed = 10_000
)

// UserByTrait is the one Teleport user whose trait holds the value. It is
// access.ErrNotFound when none does and a Permanent error when several do or
// when the daemon may not read users. Answers are up to a minute old.
func (c *Client) UserByTrait(ctx context.Context, trait, value string) (string, error) {
	c.users.mu.Lock()
	defer c.users.mu.Unlock()
	if c.users.trait != trait || time.Since(c.users.read) >= usersFor {
		index, err := c.usersByTrait(ctx, trait)
		if err != nil && access.ClassOf(err) != access.Permanent {
			return "", err
		}
		c.users.trait, c.users.byValue, c.users.denied, c.users.read = trait, index, err, time.Now()
	}
	if c.users.denied != nil {
		return "", c.users.denied
	}
	names := c.users.byValue[value]
	switch {
	case value == "" || len(names) == 0:
		return "", userError(trait, access.ErrNotFound)
	case len(names) > 1:
		return "", userError(trait, fmt.Errorf("%d users hold the same value, %q and %q among them",
			len(names), names[0], names[1]))
	}
	return names[0], nil
}

// usersByTrait reads all users page by page and keeps the trait's values only.
func (c *Client) usersByTrait(ctx context.Context, trait string) (map[string][]string, error) {
	index := make(map[string][]string)
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
			for _, value := range unique(user.GetTraits()[trait]) {
				index[value] = append(index[value], user.GetName())
			}
		}
		next := page.GetNextPageToken()
		if next == "" {
			return index, nil
		}
		if next == token {
			return nil, &access.Error{Op: methodListUsers().op, Class: access.Temporary, Err: errSamePage}
		}
		token = next
	}
}

// UserNamed tells whether a Teleport user of exactly that name exists and
// gives it back; access.ErrNotFound when there is none. Names are compared by
// the server, with regard to case. Answers are up to a minute old.
func (c *Client) UserNamed(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", userError(name, access.ErrNotFound)
	}
	exists, fresh := c.users.named(name)
	if !fresh {
		user, err := call(ctx, c, methodGetUser(), name,
			func(ctx context.Context, a api) (types.User, error) { return a.GetUser(ctx, name, false) })
		if err != nil && !errors.Is(err, access.ErrNotFound) {
			return "", explainUsers(err)
		}
		exists = err == nil && user.GetName() == name
		c.users.putNamed(name, exists)
	}
	if !exists {
		return "", userError(name, access.ErrNotFound)
	}
	return name, nil
}

var errUsersDenied = errors.New("the daemon may not read users: " +
	"add to one of its roles allow.rules: [{resources: [user], verbs: [list, read]}]")

// explainUsers adds the rule to add where a right is missing.
func explainUsers(err error) error {
	if !trace.IsAccessDenied(err) {
		return err
	}
	return &access.Error{
		Op: "read users", Class: access.Permanent,
		Err: fmt.Errorf("%w (%s)", errUsersDenied, plainWords(err)),
	}
}

func userError(key string, err error) error {
	return &access.Error{Op: "find user by", Key: key, Class: access.Permanent, Err: err}
}

// unique is in without its repetitions.
func unique(in []string) []string {
	seen := make(map[string]bool, len(in))
	var out []string
	for _, s := range in {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// userCache keeps what was read of users. Its lock is held while all users are
// being read, so that they are read once for all who wait.
type userCache struct {
	mu      sync.Mutex
	trait   string
	byValue map[string][]string
	denied  error
	read    time.Time

	single sync.Mutex
	exists map[string]cachedUser
}

type cachedUser struct {
	exists bool
	read   time.Time
}

func newUserCache() *userCache { return &userCache{exists: make(map[string]cachedUser)} }

func (u *userCache) named(name string) (exists, fresh bool) {
	u.single.Lock()
	defer u.single.Unlock()
	cached, ok := u.exists[name]
	return cached.exists, ok && time.Since(cached.read) < usersFor
}

func (u *userCache) putNamed(name string, exists bool) {
	u.single.Lock()
	defer u.single.Unlock()
	if len(u.exists) >= maxNamed {
		clear(u.exists)
	}
	u.exists[name] = cachedUser{exists: exists, read: time.Now()}
}

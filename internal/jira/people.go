package jira

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// mostPeople bounds the memory of found accounts; it is emptied when full.
const mostPeople = 1000

// User finds the one account that handle names: account id or key, user name
// or e-mail. access.ErrNotFound when there is none, or more than one.
func (c *Client) User(ctx context.Context, handle string) (access.Actor, error) {
	k := call{op: "find user", key: handle, method: http.MethodGet, read: true}
	found, err := c.searchUsers(ctx, k, handle)
	if err != nil {
		return access.Actor{}, err
	}
	info, err := c.info(ctx)
	if err != nil {
		return access.Actor{}, err
	}
	exact := slices.DeleteFunc(slices.Clone(found), func(a access.Actor) bool { return !a.Is(handle) })
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(found) == 1 && info.cloud && found[0].Email == "" && strings.Contains(handle, "@"):
		return found[0], nil // Cloud finds by e-mails that it does not show
	case len(found) > 0:
		return access.Actor{}, notFound(k, "no account, or more than one, is exactly this")
	}
	return access.Actor{}, notFound(k, "no such account, or it is hidden from the daemon's")
}

func notFound(k call, why string) error {
	return k.error(access.Permanent, errors.Join(access.ErrNotFound, errors.New(why)))
}

// IsUser tells whether Jira finds the account under handle, an e-mail or user
// name, also where it hides the account's e-mail.
func (c *Client) IsUser(ctx context.Context, who access.Actor, handle string) (bool, error) {
	if who.Is(handle) {
		return true, nil
	}
	if strings.TrimSpace(handle) == "" {
		return false, nil
	}
	k := call{op: "find user", key: handle, method: http.MethodGet, read: true}
	found, err := c.searchUsers(ctx, k, handle)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(found, who.Same), nil
}

// searchUsers lists the accounts that Jira finds under handle. Cloud looks at
// names and e-mails, hidden ones too where they match as a whole; an account
// id is looked up directly.
func (c *Client) searchUsers(ctx context.Context, k call, handle string) ([]access.Actor, error) {
	info, err := c.info(ctx)
	if err != nil {
		return nil, err
	}
	parameter := "username"
	if info.cloud {
		parameter = "query"
	}
	k.endpoint = "/user/search"
	k.path = k.endpoint + query(parameter, handle, "maxResults", "50")
	var raw []account
	if err := c.do(ctx, k, &raw); err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return c.userByID(ctx, k, handle, info.cloud)
	}
	found := make([]access.Actor, 0, len(raw))
	for _, r := range raw {
		found = append(found, r.actor())
	}
	return found, nil
}

// userByID looks an account up by its id; none is no error.
func (c *Client) userByID(ctx context.Context, k call, id string, cloud bool) ([]access.Actor, error) {
	if strings.Contains(id, "@") {
		return nil, nil // an e-mail
	}
	parameter := "key"
	if cloud {
		parameter = "accountId"
	}
	k.endpoint = "/user"
	k.path = k.endpoint + query(parameter, id)
	var raw account
	err := c.do(ctx, k, &raw)
	var failed *access.Error
	switch {
	case errors.As(err, &failed) && (failed.Status == http.StatusNotFound || failed.Status == http.StatusBadRequest):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []access.Actor{raw.actor()}, nil
}

// cachedUser is User for accounts that every issue names; found ones are
// remembered until the client is replaced.
func (c *Client) cachedUser(ctx context.Context, handle string) (access.Actor, error) {
	c.mu.Lock()
	who, known := c.people[handle]
	c.mu.Unlock()
	if known {
		return who, nil
	}
	who, err := c.User(ctx, handle)
	if err != nil {
		return access.Actor{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.people) >= mostPeople {
		clear(c.people)
	}
	c.people[handle] = who
	return who, nil
}

// InGroups tells whether the account is in one of the groups, by name or id.
// Cloud asks for the right to browse users, Data Center for administration.
func (c *Client) InGroups(ctx context.Context, who access.Actor, groups []string) (bool, error) {
	k := call{op: "read groups of user", key: who.Handle(), method: http.MethodGet, read: true}
	if len(groups) == 0 {
		return false, nil
	}
	if who.ID == "" {
		return false, k.error(access.Permanent, errors.New("account without id"))
	}
	info, err := c.info(ctx)
	if err != nil {
		return false, err
	}
	member, err := c.groupsOf(ctx, k, who, info.cloud)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(member, func(g groupJSON) bool {
		return slices.ContainsFunc(groups, func(want string) bool {
			return strings.EqualFold(string(g.Name), want) || g.ID != "" && string(g.ID) == want
		})
	}), nil
}

type groupJSON struct {
	ID   text `json:"groupId"`
	Name text `json:"name"`
}

func (c *Client) groupsOf(ctx context.Context, k call, who access.Actor, cloud bool) ([]groupJSON, error) {
	if cloud {
		var groups []groupJSON
		k.endpoint = "/user/groups"
		k.path = k.endpoint + query("accountId", who.ID)
		err := c.do(ctx, k, &groups)
		return groups, err
	}
	var user struct {
		Groups struct {
			Items []groupJSON `json:"items"`
		} `json:"groups"`
	}
	k.endpoint = "/user"
	k.path = k.endpoint + query("key", who.ID, "expand", "groups")
	err := c.do(ctx, k, &user)
	return user.Groups.Items, err
}

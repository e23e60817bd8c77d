package jira

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// maxAccounts bounds the memory of found accounts; it is emptied when full.
const maxAccounts = 1000

// User finds the one account that handle names, see access.Handle; addresses
// count. access.ErrNotFound when there is none, or more than one.
func (c *Client) User(ctx context.Context, handle string) (access.Actor, error) {
	k := call{op: "find user", key: handle, method: http.MethodGet, read: true}
	info, err := c.info(ctx)
	if err != nil {
		return access.Actor{}, err
	}
	h := access.ParseHandle(handle)
	var found []access.Actor
	if h.Kind == access.HandleID || h.Kind == access.HandleKey {
		found, err = c.userByID(ctx, k, h.Value, info.cloud)
	} else {
		found, err = c.searchUsers(ctx, k, h.Value)
	}
	if err != nil {
		return access.Actor{}, err
	}
	exact := slices.DeleteFunc(slices.Clone(found), func(a access.Actor) bool { return !h.Names(a, true) })
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(found) == 1 && info.cloud && found[0].Email == "" && h.Kind == access.HandleEmail:
		return found[0], nil // Cloud finds by e-mails that it does not show
	case len(found) > 0:
		return access.Actor{}, notFound(k, "no account, or more than one, is exactly this")
	}
	return access.Actor{}, notFound(k, "no such account, or it is hidden from the daemon's")
}

func notFound(k call, why string) error {
	return k.error(access.Permanent, errors.Join(access.ErrNotFound, errors.New(why)))
}

// IsUser reports whether Jira finds the account under handle, an e-mail or user
// name, also where it hides the account's e-mail.
func (c *Client) IsUser(ctx context.Context, who access.Actor, handle string) (bool, error) {
	if handle != "" && slices.Contains([]string{who.ID, who.Name, who.Email}, handle) {
		return true, nil
	}
	if strings.TrimSpace(handle) == "" {
		return false, nil
	}
	k := call{op: "find user", key: handle, method: http.MethodGet, read: true}
	found, err := c.searchUsers(ctx, k, handle)
	if e := (*access.Error)(nil); errors.As(err, &e) && e.Status == http.StatusNotFound {
		found, err = nil, nil // Nobody of that name.
	}
	if err != nil || slices.ContainsFunc(found, who.Same) {
		return err == nil, err
	}
	if len(found) >= userPage {
		return false, k.error(access.Permanent, errManyFound) // the account may be among those that are not shown
	}
	if len(found) > 0 && strings.Contains(handle, "@") {
		return false, nil // a search that finds somebody is not blind
	}
	return false, c.requireUserSearch(ctx, k)
}

// errNoUserSearch: an empty list proves nothing.
var errNoUserSearch = errors.New("people can't be searched for: the daemon's Jira account needs the global permission to browse users and groups")

// browseTTL is how long the right to browse users is taken for granted once it
// was.
const browseTTL = time.Hour

// requireUserSearch fails when the account may not browse users: Jira then answers
// searches with an empty list and no error.
func (c *Client) requireUserSearch(ctx context.Context, k call) error {
	const browse = "USER_PICKER"
	if seen := c.browseProvenAt.Load(); seen != nil && time.Since(*seen) < browseTTL {
		return nil
	}
	have, refused, err := (&checker{c: c}).granted(ctx, "", []string{browse})
	switch {
	case err != nil:
		return err
	case refused != "":
		return k.error(access.Permanent, errNoUserSearch)
	}
	if len(have) == 0 {
		return k.error(access.Temporary, errNotJira)
	}
	if granted, told := have[browse]; told && !granted {
		return k.error(access.Permanent, errNoUserSearch)
	}
	now := time.Now()
	c.browseProvenAt.Store(&now)
	return nil
}

// fullAccount returns the account as Jira shows it by itself, where what was read of
// it within something else does not say what it is or whether it is active.
// What can't be found out stays open, and counts against the account.
func (c *Client) fullAccount(ctx context.Context, who access.Actor, said account) (access.Actor, error) {
	if who.ID == "" || who.Type != "" && said.Active != "" || who.Same(c.Self()) {
		return who, nil
	}
	info, err := c.info(ctx)
	if err != nil {
		return who, err
	}
	found, err := c.userByID(ctx, call{op: "read user", key: who.ID, method: http.MethodGet, read: true}, who.ID, info.cloud)
	switch {
	case access.ClassOf(err) == access.Permanent && err != nil:
		c.log.Warn("an account could not be read, it may not decide", "account", who.ID, "error", err)
	case err != nil:
		return who, err
	}
	if len(found) == 1 && found[0].Same(who) {
		return found[0], nil
	}
	return who, nil
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
	k.path = k.endpoint + query(parameter, handle, "maxResults", strconv.Itoa(userPage))
	var raw []account
	if err := c.call(ctx, k, &raw); err != nil {
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
	err := c.call(ctx, k, &raw)
	var failed *access.Error
	switch {
	case errors.As(err, &failed) && (failed.Status == http.StatusNotFound || failed.Status == http.StatusBadRequest):
		return nil, nil
	case err != nil:
		return nil, err
	case raw.actor().ID == "":
		return nil, k.error(access.Temporary, errNotJira)
	}
	return []access.Actor{raw.actor()}, nil
}

// cachedUser is User for accounts that every issue names; found ones are
// remembered until the client is replaced.
func (c *Client) cachedUser(ctx context.Context, handle string) (access.Actor, error) {
	if who, ok := c.accounts.Get(handle); ok {
		return who, nil
	}
	who, err := c.User(ctx, handle)
	if err != nil {
		return access.Actor{}, err
	}
	c.accounts.Put(handle, who)
	return who, nil
}

// groupTTL is how long a person who was taken out of a group may still count
// as a member.
const groupTTL = 30 * time.Second

// InGroups reports whether the account is in one of the groups, see
// access.ParseGroup.
// Cloud asks for the right to browse users, Data Center for administration. The
// answer is up to groupTTL old; without one nobody is in a group.
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
	member, known := c.groups.Get(who.ID)
	if !known {
		if member, err = c.groupsOf(ctx, k, who, info.cloud); err != nil {
			return false, err
		}
		c.groups.Put(who.ID, member)
	}
	return slices.ContainsFunc(member, func(g groupJSON) bool {
		return slices.ContainsFunc(groups, func(want string) bool {
			return access.ParseGroup(want).NamesGroup(string(g.ID), string(g.Name))
		})
	}), nil
}

type groupJSON struct {
	ID   text `json:"groupId"`
	Name text `json:"name"`
}

// groupsJSON is Data Center's user with their groups.
type groupsJSON struct {
	Groups struct {
		Items []groupJSON `json:"items"`
	} `json:"groups"`
}

func (g *groupsJSON) isComplete() bool { return g.Groups.Items != nil }

// GroupID returns the id of the one group that a handle of review.approver_groups
// names; access.ErrNotFound where there is none. Cloud alone shows such ids.
func (c *Client) GroupID(ctx context.Context, group string) (string, error) {
	handle := access.ParseGroup(group)
	if handle.Kind == access.HandleID {
		return handle.Value, nil
	}
	var found struct {
		Groups []groupJSON `json:"groups"`
	}
	k := call{
		op: "find group", key: group, method: http.MethodGet, endpoint: "/groups/picker",
		path: "/groups/picker" + query("query", handle.Value, "maxResults", "50"), read: true,
	}
	if err := c.call(ctx, k, &found); err != nil {
		return "", err
	}
	for _, g := range found.Groups {
		if handle.NamesGroup(string(g.ID), string(g.Name)) && g.ID != "" {
			return string(g.ID), nil
		}
	}
	return "", k.error(access.Permanent, access.ErrNotFound)
}

func (c *Client) groupsOf(ctx context.Context, k call, who access.Actor, cloud bool) ([]groupJSON, error) {
	if cloud {
		var groups []groupJSON
		k.endpoint = "/user/groups"
		k.path = k.endpoint + query("accountId", who.ID)
		err := c.call(ctx, k, &groups)
		return groups, err
	}
	var user groupsJSON
	k.endpoint = "/user"
	k.path = k.endpoint + query("key", who.ID, "expand", "groups")
	err := c.call(ctx, k, &user)
	return user.Groups.Items, err
}

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
		if known, ok := c.requesters.Get(user); ok {
			return known.id, known.err // found since it was looked for above
		}
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

// isOwn reports whether an account is the daemon's, or one that it worked as
// before.
func (c *Client) isOwn(who access.Actor) bool {
	if who.Same(c.Self()) {
		return true
	}
	return who.ID != "" && slices.ContainsFunc(c.cfg.EarlierAccounts, func(earlier string) bool {
		return who.ID == earlier || who.Name != "" && strings.EqualFold(who.Name, earlier)
	})
}

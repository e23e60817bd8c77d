package fakejira

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"time"
)

// AccountType tells people from programs, in Jira Cloud's words.
type AccountType string

// Account types.
const (
	PersonAccount   AccountType = "atlassian"
	AppAccount      AccountType = "app"
	CustomerAccount AccountType = "customer"
)

// Account is somebody who may log in. In the Go API accounts are named by ID.
type Account struct {
	ID          string // accountId on Cloud, key on Data Center
	Name        string // user name, Data Center only; default the ID
	DisplayName string // default the Name
	Email       string
	HideEmail   bool        // see also Options.HideEmails
	Type        AccountType // Cloud only; default PersonAccount
	Inactive    bool        // can't log in
	Groups      []string
	// Token is the API token on Cloud (user name: e-mail address) and the
	// password on Data Center (user name: Name). Empty: no basic login.
	Token string
	// PAT is the bearer token: a Data Center personal access token or a Cloud
	// service account's. Empty: no bearer login.
	PAT      string
	TimeZone string // IANA name, default Etc/UTC
	// Scopes are those of a scoped token on Cloud; nil for a token without scopes,
	// which may do what the account may.
	Scopes []string
	// DeniedRoutes are routes whose granular scope a scoped token lacks besides.
	DeniedRoutes []string
	// Captcha refuses basic logins on Data Center, as after too many failed ones.
	Captcha bool
}

func (a *Account) location() *time.Location {
	l, err := time.LoadLocation(a.TimeZone)
	if err != nil {
		return time.UTC
	}
	return l
}

// AddAccount adds a person or program.
func (s *Server) AddAccount(a Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.addAccount(a)
}

// ChangeAccount changes an account: deactivate it, give it another token or
// other groups. The id stays.
func (s *Server) ChangeAccount(id string, change func(*Account)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.world.account(id)
	if a == nil {
		return fmt.Errorf("change account: no account %q", id)
	}
	changed := *a
	change(&changed)
	changed.ID = id
	*a = changed
	return nil
}

// Accounts are copies of all accounts.
func (s *Server) Accounts() []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Account
	for _, a := range s.world.accounts {
		all = append(all, *a)
	}
	return all
}

// login finds out who calls. On Cloud a caller with wrong credentials goes on
// as anonymous; Data Center refuses it.
func (s *Server) login(c *call) (answer, bool) {
	header := c.r.Header.Get("Authorization")
	if header == "" {
		return answer{}, false
	}
	scheme, value, _ := strings.Cut(header, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		c.who = s.bearer(value)
		if c.who == nil && len(s.oauthClients) > 0 && s.opts.Flavour == Cloud {
			return gatewayRefuses(), true
		}
	case strings.EqualFold(scheme, "Basic") && s.opts.Flavour == DataCenter && s.opts.NoBasicAuth:
		return forbidden("Basic Authentication has been disabled on this instance."), true
	case strings.EqualFold(scheme, "Basic"):
		c.who = s.basicLogin(value)
		if c.who != nil && c.who.Captcha && s.opts.Flavour == DataCenter {
			return s.captcha(), true
		}
	}
	c.failed = c.who == nil
	if c.who != nil {
		who := *c.who // the call goes on as who logged in, whatever ChangeAccount does
		c.who = &who
	}
	if c.failed && s.opts.Flavour == DataCenter {
		return answer{
			status: http.StatusUnauthorized,
			header: http.Header{"Content-Type": {"text/html;charset=UTF-8"}, "Www-Authenticate": {`OAuth realm="jira"`}},
			body:   []byte("<html><head><title>Unauthorized (401)</title></head><body>Basic Authentication Failure - Reason : AUTHENTICATED_FAILED</body></html>"),
		}, true
	}
	return answer{}, false
}

func (s *Server) basicLogin(encoded string) *Account {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	user, token, _ := strings.Cut(string(raw), ":")
	return s.world.find(func(a *Account) bool {
		name := a.Email
		if s.opts.Flavour == DataCenter {
			name = a.Name
		}
		return a.Token != "" && a.Token == token && strings.EqualFold(name, user)
	})
}

// find is the first active account that matches.
func (w *world) find(match func(*Account) bool) *Account {
	for _, a := range w.accounts {
		if !a.Inactive && match(a) {
			return a
		}
	}
	return nil
}

// holds reports whether a is among holders, by id or group.
func (a *Account) holds(holders []string) bool {
	return slices.ContainsFunc(holders, func(h string) bool { return h == a.ID || slices.Contains(a.Groups, h) })
}

// may reports whether who has a permission in a project. Anonymous callers have
// none.
func may(who *Account, p Permission, project *Project) bool {
	if who == nil || who.Inactive {
		return false
	}
	if holders, listed := project.Permissions[p]; listed {
		return who.holds(holders)
	}
	return who.Type != CustomerAccount
}

// mayGlobally reports whether who has a global permission.
func (s *Server) mayGlobally(who *Account, p Permission) bool {
	if who == nil || who.Inactive {
		return false
	}
	if holders, listed := s.opts.GlobalPermissions[p]; listed {
		return who.holds(holders)
	}
	return p == BrowseUsers && who.Type != CustomerAccount
}

// user is an account as it appears inside other things; nil for no account.
func (s *Server) user(id string) any {
	a := s.world.account(id)
	if a == nil {
		return nil
	}
	return s.userJSON(a, !s.opts.HideEmails && !a.HideEmail)
}

func (s *Server) userJSON(a *Account, email bool) object {
	u := object{
		"avatarUrls":  s.avatars(),
		"displayName": a.DisplayName,
		"active":      !a.Inactive,
		"timeZone":    a.TimeZone,
	}
	if s.opts.Flavour == DataCenter {
		u["self"] = s.baseURL + "/rest/api/2/user?username=" + a.Name
		u["name"], u["key"], u["emailAddress"] = a.Name, a.ID, a.Email
		return u
	}
	u["self"] = s.baseURL + "/rest/api/2/user?accountId=" + a.ID
	u["accountId"], u["accountType"] = a.ID, a.Type
	if email && a.Email != "" {
		u["emailAddress"] = a.Email
	}
	return u
}

// avatars are the pictures of everybody and everything. The map is shared and
// may not be changed.
func (s *Server) avatars() object {
	if s.pictures == nil {
		s.pictures = object{}
		for _, size := range []string{"16x16", "24x24", "32x32", "48x48"} {
			s.pictures[size] = s.baseURL + "/secure/useravatar?size=" + size
		}
	}
	return s.pictures
}

func (s *Server) myself(c *call) answer {
	if c.who == nil {
		return unauthorized()
	}
	u := s.userJSON(c.who, true)
	u["locale"] = "en_US"
	u["expand"] = "groups,applicationRoles"
	return ok(u)
}

// getUser answers one user, by accountId on Cloud and by key or username on
// Data Center, with groups if asked.
func (s *Server) getUser(c *call) answer {
	if c.who == nil {
		return unauthorized()
	}
	a, ans := s.wantedUser(c)
	if a == nil {
		return ans
	}
	u := s.userJSON(a, !s.opts.HideEmails && !a.HideEmail)
	u["expand"] = "groups,applicationRoles"
	if s.opts.Flavour == DataCenter {
		u["deleted"] = false
	}
	groups := object{"size": len(a.Groups), "items": []object{}}
	if slices.Contains(c.list("expand"), "groups") {
		groups["items"] = s.groups(a)
	}
	u["groups"] = groups
	return ok(u)
}

// wantedUser finds the user that a query names; nil with the answer otherwise.
func (s *Server) wantedUser(c *call) (*Account, answer) {
	id, key, name := c.query.Get("accountId"), c.query.Get("key"), c.query.Get("username")
	if s.opts.Flavour == Cloud && (key != "" || name != "") {
		return nil, failure(http.StatusBadRequest, "The query parameters 'username' and 'key' are not supported.")
	}
	if s.opts.Flavour == DataCenter {
		id = key
	}
	if id == "" && name == "" {
		return nil, failure(http.StatusBadRequest, "Either the account ID or the user name has to be given.")
	}
	if !s.mayGlobally(c.who, BrowseUsers) && c.who.ID != id {
		return nil, forbidden("You do not have permission to browse users.")
	}
	for _, a := range s.world.accounts {
		if (id != "" && a.ID == id) || (name != "" && strings.EqualFold(a.Name, name)) {
			return a, answer{}
		}
	}
	return nil, failure(http.StatusNotFound, "The user does not exist.")
}

func (s *Server) groups(a *Account) []object {
	groups := []object{}
	for _, g := range a.Groups {
		entry := object{"name": g, "self": s.baseURL + "/rest/api/2/group?groupname=" + g}
		if s.opts.Flavour == Cloud {
			entry["groupId"] = groupID(g)
		}
		groups = append(groups, entry)
	}
	return groups
}

// groupID is an invented but stable id in a group id's form.
func groupID(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // a hash never fails to write
	return fmt.Sprintf("%08x-0000-4000-8000-000000000000", h.Sum32())
}

func (s *Server) userGroups(c *call) answer {
	if c.who == nil {
		return unauthorized()
	}
	a, ans := s.wantedUser(c)
	if a == nil {
		return ans
	}
	return ok(s.groups(a))
}

// searchUsers finds users by display name, e-mail or name. Callers without the
// right to browse users get an empty list, as documented.
func (s *Server) searchUsers(c *call) answer {
	param := "query"
	if s.opts.Flavour == DataCenter {
		param = "username"
	}
	wanted := strings.ToLower(c.query.Get(param))
	start, size, okPage := c.page(50, 1000)
	if wanted == "" || !okPage {
		return failure(http.StatusBadRequest, "The "+param+" query parameter was not provided.")
	}
	found := []object{}
	if s.mayGlobally(c.who, BrowseUsers) {
		for _, a := range s.world.accounts {
			if s.findable(a, wanted) {
				found = append(found, s.userJSON(a, !s.opts.HideEmails && !a.HideEmail))
			}
		}
	}
	return ok(slicePage(found, start, size))
}

// findable reports whether a user search for wanted finds a. Hidden addresses
// are found when they are given in full.
func (s *Server) findable(a *Account, wanted string) bool {
	if a.Inactive && s.opts.Flavour == DataCenter {
		return false
	}
	email := strings.ToLower(a.Email)
	if s.opts.HideEmails || a.HideEmail {
		return strings.HasPrefix(strings.ToLower(a.DisplayName), wanted) || email == wanted
	}
	for _, text := range []string{a.DisplayName, email} {
		if strings.HasPrefix(strings.ToLower(text), wanted) {
			return true
		}
	}
	return s.opts.Flavour == DataCenter && strings.HasPrefix(strings.ToLower(a.Name), wanted)
}

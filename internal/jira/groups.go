package jira

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"teleport-jira/internal/access"
)

// groupsFor is how long a person who was taken out of a group may still count
// as a member.
const groupsFor = 30 * time.Second

// InGroups tells whether the account is in one of the groups, by name or id.
// Cloud asks for the right to browse users, Data Center for administration. The
// answer is up to groupsFor old; without one nobody is in a group.
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
	member, known := c.groups.get(who.ID)
	if !known {
		if member, err = c.groupsOf(ctx, k, who, info.cloud); err != nil {
			return false, err
		}
		c.groups.put(who.ID, member)
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

// groupsJSON is Data Center's user with their groups.
type groupsJSON struct {
	Groups struct {
		Items []groupJSON `json:"items"`
	} `json:"groups"`
}

func (g *groupsJSON) isWhole() bool { return g.Groups.Items != nil }

func (c *Client) groupsOf(ctx context.Context, k call, who access.Actor, cloud bool) ([]groupJSON, error) {
	if cloud {
		var groups []groupJSON
		k.endpoint = "/user/groups"
		k.path = k.endpoint + query("accountId", who.ID)
		err := c.do(ctx, k, &groups)
		return groups, err
	}
	var user groupsJSON
	k.endpoint = "/user"
	k.path = k.endpoint + query("key", who.ID, "expand", "groups")
	err := c.do(ctx, k, &user)
	return user.Groups.Items, err
}

// groupCache keeps the groups of few people for a short while: a person who
// decides ten requests in a row is asked about once. Failures are not kept.
type groupCache struct {
	mu   sync.Mutex
	read map[string]membership // by account id
}

type membership struct {
	groups []groupJSON
	at     time.Time
}

func (g *groupCache) get(id string) ([]groupJSON, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, ok := g.read[id]
	return m.groups, ok && time.Since(m.at) < groupsFor
}

func (g *groupCache) put(id string, groups []groupJSON) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.read == nil || len(g.read) >= mostPeople {
		g.read = map[string]membership{}
	}
	g.read[id] = membership{groups, time.Now()}
}

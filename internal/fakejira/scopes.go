package fakejira

import (
	"net/http"
	"slices"
	"strings"
)

// scopeOf is the scope that a route needs of a scoped token, in Atlassian's
// classic scopes.
func (c *call) scopeOf() string {
	pattern := c.route.pattern
	switch {
	case strings.Contains(pattern, "/myself"), strings.Contains(pattern, "/user"), strings.Contains(pattern, "/group"):
		return "read:jira-user"
	case strings.Contains(pattern, "/serverInfo"):
		return ""
	case c.r.Method == http.MethodGet, strings.Contains(pattern, "/search"):
		return "read:jira-work"
	}
	return "write:jira-work"
}

// checkScope is the gateway's answer to a token that lacks the route's scope.
func (c *call) checkScope() (answer, bool) {
	if c.who == nil || c.who.Scopes == nil {
		return answer{}, false
	}
	if slices.Contains(c.who.DeniedRoutes, c.route.pattern) {
		return scopeMismatch(), true
	}
	if scope := c.scopeOf(); scope == "" || slices.Contains(c.who.Scopes, scope) {
		return answer{}, false
	}
	return scopeMismatch(), true
}

func scopeMismatch() answer {
	return answer{status: http.StatusUnauthorized, body: object{"code": http.StatusUnauthorized, "message": "Unauthorized; scope does not match"}}
}

// captcha is Data Center's answer to every basic login of an account that failed
// too often, until somebody logs in as it in the browser.
func (s *Server) captcha() answer {
	a := answer{status: http.StatusForbidden, header: http.Header{}}
	a.header.Set("X-Seraph-Loginreason", "AUTHENTICATION_DENIED")
	a.header.Set("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE; login-url="+s.baseURL+"/login.jsp")
	a.header.Set("Content-Type", "text/html;charset=UTF-8")
	a.body = []byte("<html><head><title>Forbidden (403)</title></head><body>Encountered a <code>&quot;403 - Forbidden&quot;</code> error while loading this page. Basic Authentication Failure - Reason : AUTHENTICATION_DENIED</body></html>")
	return a
}

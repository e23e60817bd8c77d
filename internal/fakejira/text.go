package fakejira

import (
	"net/http"
	"strings"
)

// unstorable is the answer to a call whose text the database can't store. Jira
// on MySQL without utf8mb4 answers 500 to characters above U+FFFF.
func (s *Server) unstorable(c *call) (answer, bool) {
	wide := strings.ContainsFunc(string(c.body), func(r rune) bool { return r > 0xFFFF })
	if !s.opts.NarrowText || !wide {
		return answer{}, false
	}
	return failure(http.StatusInternalServerError, "Internal server error"), true
}

package fakejira

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"
	"unicode/utf8"
)

// checkProperty tells what is wrong with an entity property; "" when nothing
// is. Values are JSON of at most 32,768 characters, keys of at most 255.
func checkProperty(key string, value json.RawMessage) string {
	const maxKey, maxValue = 255, 32_768
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxKey:
		return "The property key cannot be longer than 255 characters."
	case len(value) == 0 || !json.Valid(value):
		return "The property value has to be valid JSON."
	case utf8.RuneCount(value) > maxValue:
		return "The property value cannot be longer than 32768 characters."
	}
	return ""
}

func (s *Server) getProperties(c *call) answer {
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	keys := []object{}
	for _, k := range keysOf(iss.Properties) {
		keys = append(keys, object{"key": k, "self": s.baseURL + "/rest/api/2/issue/" + iss.ID + "/properties/" + k})
	}
	return ok(object{"keys": keys})
}

func (s *Server) getProperty(c *call) answer {
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	key := c.params["property"]
	value, found := iss.Properties[key]
	if !found {
		return failure(http.StatusNotFound, fmt.Sprintf("The property with key '%s' does not exist.", key))
	}
	return ok(object{"key": key, "value": value})
}

// editable is the visible issue if the caller may edit it.
func (s *Server) editable(c *call) (*Issue, answer) {
	if c.who == nil {
		return nil, unauthorized()
	}
	iss, seen := s.visible(c)
	if !seen {
		return nil, notFound()
	}
	if !may(c.who, EditIssues, s.world.project(iss.Project)) {
		return nil, forbidden("You do not have permission to edit issues in this project.")
	}
	return iss, answer{}
}

func (s *Server) putProperty(c *call) answer {
	iss, ans := s.editable(c)
	if iss == nil {
		return ans
	}
	key := c.params["property"]
	if text := checkProperty(key, c.body); text != "" {
		return failure(http.StatusBadRequest, text)
	}
	status := http.StatusCreated
	if _, had := iss.Properties[key]; had {
		status = http.StatusOK
	}
	s.setProperty(iss, key, c.body, c.who.ID, c.now)
	return answer{status: status}
}

// setProperty leaves the issue's time of update as it was, as Jira does.
func (s *Server) setProperty(iss *Issue, key string, value json.RawMessage, actor string, at time.Time) {
	s.edit(iss, actor, at, nil, func(i *Issue) {
		i.Updated = iss.Updated
		i.Properties = maps.Clone(i.Properties)
		if i.Properties == nil {
			i.Properties = map[string]json.RawMessage{}
		}
		i.Properties[key] = value
	})
}

func (s *Server) deleteProperty(c *call) answer {
	iss, ans := s.editable(c)
	if iss == nil {
		return ans
	}
	key := c.params["property"]
	if _, had := iss.Properties[key]; !had {
		return failure(http.StatusNotFound, fmt.Sprintf("The property with key '%s' does not exist.", key))
	}
	s.edit(iss, c.who.ID, c.now, nil, func(i *Issue) {
		i.Updated = iss.Updated
		i.Properties = maps.Clone(i.Properties)
		delete(i.Properties, key)
	})
	return answer{status: http.StatusNoContent}
}

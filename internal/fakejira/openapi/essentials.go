package openapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/routers"
)

// essentials are the parts of answers that a client lives on. The documents
// require next to nothing, so an empty object would pass for most of them. A
// path of "a.b" means b inside a; "*" stands for every entry of a list.
func essentials(route string) []string {
	person := "displayName active"
	switch strings.TrimPrefix(strings.TrimPrefix(route, "/rest"), "/api/2") {
	case "/serverInfo":
		return strings.Fields("baseUrl version deploymentType")
	case "/myself", "/user":
		return strings.Fields(person)
	case "/user/search":
		return strings.Fields("*.displayName *.active *.self")
	case "/status":
		return strings.Fields("*.id *.name *.statusCategory.key")
	case "/project/{projectIdOrKey}":
		return strings.Fields("id key name issueTypes.*.id issueTypes.*.name")
	case "/project/{projectIdOrKey}/statuses":
		return strings.Fields("*.id *.name *.statuses.*.id *.statuses.*.name *.statuses.*.statusCategory.key")
	case "/issue":
		return strings.Fields("id key self")
	case "/issue/{issueIdOrKey}":
		return strings.Fields("id key self fields")
	case "/issue/{issueIdOrKey}/comment":
		return nil // one comment or a page of them
	case "/issue/{issueIdOrKey}/transitions":
		return strings.Fields("transitions.*.id transitions.*.name transitions.*.to.id transitions.*.to.name")
	case "/issue/{issueIdOrKey}/changelog":
		return strings.Fields("total startAt maxResults values.*.id values.*.created values.*.items.*.field")
	case "/issue/{issueIdOrKey}/properties/{propertyKey}":
		return strings.Fields("key value")
	case "/search":
		return strings.Fields("total startAt maxResults issues.*.id issues.*.key issues.*.self")
	case "/search/jql":
		return strings.Fields("issues.*.id isLast")
	case "/mypermissions":
		return []string{"permissions"}
	}
	return nil
}

// checkEssentials looks for them in a successful answer.
func checkEssentials(r *routers.Route, status int, body []byte) error {
	if status >= 300 {
		return nil
	}
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	wanted := essentials(r.Path)
	if strings.HasSuffix(r.Path, "/comment") {
		wanted = strings.Fields("id body author.displayName created")
		if r.Method == http.MethodGet {
			wanted = strings.Fields("total startAt maxResults comments.*.id comments.*.body comments.*.author.displayName comments.*.created")
		}
	}
	for _, path := range wanted {
		if !holds(answer, strings.Split(path, ".")) {
			return fmt.Errorf("answer lacks %s", path)
		}
	}
	return nil
}

// holds reports whether a path exists and is not null.
func holds(v any, path []string) bool {
	if len(path) == 0 {
		return v != nil
	}
	if path[0] != "*" {
		object, isObject := v.(map[string]any)
		return isObject && holds(object[path[0]], path[1:])
	}
	list, isList := v.([]any)
	for _, entry := range list {
		if !holds(entry, path[1:]) {
			return false
		}
	}
	return isList
}

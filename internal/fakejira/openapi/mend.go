package openapi

import "fmt"

// tree is a JSON object of a document.
type tree = map[string]any

// child walks down objects; it panics where the document is not the one this
// was written for, which is a fault of the test's set-up.
func child(t tree, path ...string) tree {
	for _, p := range path {
		next, isObject := t[p].(tree)
		if !isObject {
			panic(fmt.Sprintf("API document has no %q in %v", p, path))
		}
		t = next
	}
	return t
}

func schema(root tree, name string) tree { return child(root, "components", "schemas", name) }

// mendEverywhere replaces the format date-time, which means RFC 3339, by the
// form that Jira writes, and lets values of any type be null.
func mendEverywhere(node any) {
	switch n := node.(type) {
	case tree:
		if anything, isObject := n["additionalProperties"].(tree); isObject && len(anything) == 0 {
			n["additionalProperties"] = true
		}
		if n["format"] == "date-time" && n["type"] == "string" {
			delete(n, "format")
			n["pattern"] = `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}$`
		}
		for _, v := range n {
			mendEverywhere(v)
		}
	case []any:
		for _, v := range n {
			mendEverywhere(v)
		}
	}
}

// mendCloud: values before and after a change are null where there are none.
func mendCloud(root tree) { nullableChanges(schema(root, "ChangeDetails")) }

func nullableChanges(change tree) {
	for _, name := range []string{"from", "fromString", "to", "toString"} {
		child(change, "properties", name)["nullable"] = true
	}
}

// mendDataCenter repairs what the Data Center document gets wrong: lists that
// declare their item, pages that do too, and JSON values that are declared
// strings or objects. It adds what Jira answers and the document forgot.
func mendDataCenter(root tree) {
	for path, item := range map[string]string{
		"/api/2/status": "StatusJsonBean",
		"/api/2/field":  "FieldBean",
		"/api/2/project/{projectIdOrKey}/statuses": "IssueTypeWithStatusJsonBean",
		"/api/2/user/search":                       "UserBean",
	} {
		setAnswer(root, path, tree{"type": "array", "items": ref(item)})
	}
	for path, item := range map[string]string{
		"/api/2/issue/createmeta/{projectIdOrKey}/issuetypes":               "CreateMetaIssueTypeBean",
		"/api/2/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}": "FieldMetaBean",
	} {
		setAnswer(root, path, tree{
			"type": "object", "required": []any{"values", "total", "startAt", "maxResults"},
			"properties": tree{"values": tree{"type": "array", "items": ref(item)}},
		})
	}
	for _, name := range []string{"IssueBean", "IssueUpdateBean"} {
		child(schema(root, name), "properties", "fields")["additionalProperties"] = true
	}
	child(schema(root, "EntityPropertyBean"), "properties")["value"] = tree{}
	delete(schema(root, "PropertiesBean"), "properties")
	child(root, "paths", "/api/2/issue/{issueIdOrKey}/properties/{propertyKey}", "put", "requestBody", "content", "application/json")["schema"] = tree{}
	child(schema(root, "FieldMetaBean"), "properties")["allowedValues"] = tree{"type": "array", "items": tree{}}
	nullableChanges(schema(root, "ChangeItemBean"))
	mendDataCenterQueries(root)
}

// mendDataCenterQueries: lists in queries are strings, and some operations
// expand what the document does not say.
func mendDataCenterQueries(root tree) {
	text := tree{"type": "string"}
	searchParams, _ := child(root, "paths", "/api/2/search", "get")["parameters"].([]any)
	for _, p := range searchParams {
		if param, isObject := p.(tree); isObject && (param["name"] == "fields" || param["name"] == "expand") {
			param["schema"] = text
		}
	}
	for _, path := range []string{"/api/2/user", "/api/2/myself", "/api/2/issue/{issueIdOrKey}/transitions"} {
		get := child(root, "paths", path, "get")
		params, _ := get["parameters"].([]any)
		get["parameters"] = append(params, tree{"name": "expand", "in": "query", "schema": text})
	}
}

func ref(name string) tree { return tree{"$ref": "#/components/schemas/" + name} }

// setAnswer replaces the schema of a path's GET answer.
func setAnswer(root tree, path string, s tree) {
	child(root, "paths", path, "get", "responses", "200", "content", "application/json")["schema"] = s
}

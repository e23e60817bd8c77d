package fakejira

import "strings"

// localise gives statuses the names of Options.Translations, unless the caller
// asked for English: Jira answers in the language of the caller's profile.
// Errors keep their English texts, but no client may rely on them.
func (s *Server) localise(c *call, a answer) answer {
	asked := strings.ToLower(c.r.Header.Get("Accept-Language"))
	if len(s.opts.Translations) > 0 && !strings.HasPrefix(asked, "en") {
		translate(a.body, s.opts.Translations)
	}
	return a
}

// translate renames the statuses in an answer: the objects with a category.
func translate(v any, words map[string]string) {
	switch v := v.(type) {
	case object:
		if name, isText := v["name"].(string); isText && v["statusCategory"] != nil && words[name] != "" {
			v["name"] = words[name]
		}
		for _, inner := range v {
			translate(inner, words)
		}
	case []object:
		for _, inner := range v {
			translate(inner, words)
		}
	}
}

package fakejira

import (
	"net/http"
	"slices"
)

// changelogJSON is the expanded changelog: Cloud shows the newest entries,
// newest first; Data Center shows all, oldest first.
func (s *Server) changelogJSON(iss *Issue, c *call) object {
	total := len(iss.Changelog)
	shown := iss.Changelog
	if s.opts.Flavour == Cloud {
		shown = slices.Clone(shown[max(0, total-s.opts.ChangelogCap):])
		slices.Reverse(shown)
	}
	return object{"startAt": 0, "maxResults": len(shown), "total": total, "histories": s.changesJSON(shown, c.who)}
}

func (s *Server) changesJSON(changes []Change, reader *Account) []object {
	all := []object{}
	for _, ch := range changes {
		all = append(all, object{
			"id": ch.ID, "author": s.user(ch.Author), "created": stamp(ch.At, reader), "items": s.itemsJSON(ch.Items),
		})
	}
	return all
}

func (s *Server) itemsJSON(items []ChangeItem) []object {
	all := []object{}
	for _, it := range items {
		o := object{
			"field": it.Field, "fieldtype": "jira",
			"from": it.From, "fromString": it.FromString, "to": it.To, "toString": it.ToString,
		}
		if s.opts.Flavour == Cloud {
			o["fieldId"] = it.FieldID
		}
		all = append(all, o)
	}
	return all
}

// getChangelog is Cloud's paged changelog, oldest first.
func (s *Server) getChangelog(c *call) answer {
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	start, size, fine := c.page(100, 100)
	if !fine {
		return failure(http.StatusBadRequest, "startAt and maxResults have to be numbers.")
	}
	values := slicePage(iss.Changelog, start, size)
	self := s.baseURL + "/rest/api/2/issue/" + iss.ID + "/changelog"
	return ok(object{
		"self": self, "startAt": start, "maxResults": size, "total": len(iss.Changelog),
		"isLast": start+len(values) >= len(iss.Changelog), "values": s.changesJSON(values, c.who),
	})
}

// refItem is the change of a field that refers to something with an id; empty
// strings stand for nothing.
func refItem(field, fieldID, fromID, from, toID, to string) ChangeItem {
	return ChangeItem{
		Field: field, FieldID: fieldID,
		From: orNil(fromID), FromString: orNil(from), To: orNil(toID), ToString: orNil(to),
	}
}

func orNil(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}

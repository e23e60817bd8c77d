package fakejira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// internalProperty marks a comment as a note that customers don't see.
const internalProperty = "sd.public.comment"

// newComment is the body of a comment call. Jira ignores what it sets itself.
type newComment struct {
	Body         string          `json:"body"`
	Properties   []property      `json:"properties"`
	Visibility   *Visibility     `json:"visibility"`
	ID           json.RawMessage `json:"id"`
	Self         json.RawMessage `json:"self"`
	Author       json.RawMessage `json:"author"`
	UpdateAuthor json.RawMessage `json:"updateAuthor"`
	Created      json.RawMessage `json:"created"`
	Updated      json.RawMessage `json:"updated"`
	JSDPublic    json.RawMessage `json:"jsdPublic"`
}

func (s *Server) addComment(c *call) answer {
	if c.who == nil {
		return unauthorized()
	}
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	p := s.world.project(iss.Project)
	if !may(c.who, AddComments, p) {
		return failure(http.StatusBadRequest, fmt.Sprintf("%s, you do not have the permission to comment on this issue.", c.who.DisplayName))
	}
	var in newComment
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if ans, failed := s.unstorable(c); failed {
		return ans
	}
	errs := fieldErrors{}
	cm := in.comment(c.who.ID, errs)
	cm.Internal = cm.Internal && p.Type == "service_desk"
	if len(errs) > 0 {
		return errs.answer()
	}
	cm = s.insertComment(iss, cm, c.now)
	return answer{status: http.StatusCreated, body: s.commentJSON(iss, cm, c.who, slices.Contains(c.list("expand"), "properties"))}
}

// comment checks the body and makes a comment of it.
func (in newComment) comment(author string, errs fieldErrors) Comment {
	switch {
	case strings.TrimSpace(in.Body) == "":
		errs.add("comment", "Comment body can not be empty!")
	case utf8.RuneCountInString(in.Body) > maxText:
		errs.add("comment", "The entered text is too long. It exceeds the allowed limit of 32,767 characters.")
	}
	if v := in.Visibility; v != nil && (v.Type != "group" && v.Type != "role" || v.Value == "" && v.Identifier == nil) {
		errs.add("commentLevel", "The comment visibility is not valid.")
	}
	cm := Comment{Author: author, Body: in.Body, Visibility: in.Visibility, Properties: map[string]json.RawMessage{}}
	for _, p := range in.Properties {
		if text := checkProperty(p.Key, p.Value); text != "" {
			errs.add(p.Key, text)
		}
		cm.Properties[p.Key] = p.Value
		if p.Key == internalProperty {
			cm.Internal = isInternal(p.Value)
		}
	}
	return cm
}

func isInternal(value json.RawMessage) bool {
	var v struct {
		Internal bool `json:"internal"`
	}
	return json.Unmarshal(value, &v) == nil && v.Internal
}

func (s *Server) insertComment(iss *Issue, cm Comment, at time.Time) Comment {
	cm.ID, cm.Created = strconv.FormatInt(s.id("comment"), 10), at
	next, _ := s.edit(iss, cm.Author, at, nil, func(i *Issue) {
		i.Comments = append(slices.Clip(i.Comments), cm)
	})
	s.emitCommented(next, cm)
	return cm
}

func (s *Server) getComments(c *call) answer {
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	start, size, fine := c.page(s.commentPage(), s.commentPage())
	order := c.query.Get("orderBy")
	if !fine || !slices.Contains([]string{"", "created", "+created", " created", "-created"}, order) {
		return failure(http.StatusBadRequest, "The query parameters are not valid.")
	}
	all := s.visibleComments(iss, c.who)
	if order == "-created" {
		slices.Reverse(all)
	}
	props := slices.Contains(c.list("expand"), "properties")
	comments := []object{}
	for _, cm := range slicePage(all, start, size) {
		comments = append(comments, s.commentJSON(iss, cm, c.who, props))
	}
	return ok(object{"startAt": start, "maxResults": size, "total": len(all), "comments": comments})
}

// commentPage is default and cap of a page: Cloud documents 100 at most, Data
// Center gives all unless asked for less.
func (s *Server) commentPage() int {
	if s.opts.Flavour == Cloud {
		return 100
	}
	return 1 << 20
}

func (s *Server) getComment(c *call) answer {
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	all := s.visibleComments(iss, c.who)
	i := slices.IndexFunc(all, func(cm Comment) bool { return cm.ID == c.params["comment"] })
	if i < 0 {
		return failure(http.StatusNotFound, "Can not find a comment for the id: "+c.params["comment"]+".")
	}
	return ok(s.commentJSON(iss, all[i], c.who, slices.Contains(c.list("expand"), "properties")))
}

// visibleComments are a new list of the comments that the reader may see:
// internal notes are hidden from customers, restricted ones from who is not in
// the group.
func (s *Server) visibleComments(iss *Issue, reader *Account) []Comment {
	return slices.DeleteFunc(slices.Clone(iss.Comments), func(cm Comment) bool {
		if reader == nil || cm.Internal && reader.Type == CustomerAccount {
			return true
		}
		v := cm.Visibility
		return v != nil && v.Type == "group" && reader.ID != cm.Author && !slices.Contains(reader.Groups, v.Value)
	})
}

func (s *Server) commentJSON(iss *Issue, cm Comment, reader *Account, props bool) object {
	o := object{
		"self": s.baseURL + "/rest/api/2/issue/" + iss.ID + "/comment/" + cm.ID, "id": cm.ID, "body": cm.Body,
		"author": s.user(cm.Author), "updateAuthor": s.user(firstOf(cm.EditedBy, cm.Author)),
		"created": stamp(cm.Created, reader), "updated": stamp(cm.Created, reader),
	}
	if s.opts.Flavour == Cloud || s.world.project(iss.Project).Type == "service_desk" {
		o["jsdPublic"] = !cm.Internal
	}
	if cm.Visibility != nil {
		o["visibility"] = cm.Visibility
	}
	if props {
		list := []object{}
		for _, k := range keysOf(cm.Properties) {
			list = append(list, object{"key": k, "value": cm.Properties[k]})
		}
		o["properties"] = list
	}
	return o
}

// commentField is the issue field comment, with all comments.
func (s *Server) commentField(iss *Issue, reader *Account) object {
	comments := []object{}
	for _, cm := range s.visibleComments(iss, reader) {
		comments = append(comments, s.commentJSON(iss, cm, reader, false))
	}
	o := object{"comments": comments, "maxResults": len(comments), "total": len(comments), "startAt": 0}
	if s.opts.Flavour == Cloud {
		o["self"] = s.baseURL + "/rest/api/2/issue/" + iss.ID + "/comment"
	}
	return o
}

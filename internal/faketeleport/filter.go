package faketeleport

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// meetsFilter reports whether a review counts toward a threshold with the
// filter; every review does where there is none. The double knows contains and
// equals over reviewer, review and request, joined by &&, || and !; the server's
// language has more, which is BadParameter here. The lock is held.
func (c *Cluster) meetsFilter(filter string, rev types.AccessReview, req *types.AccessRequestV3) (bool, error) {
	if filter == "" {
		return true, nil
	}
	expr, err := parser.ParseExpr(filter)
	if err != nil {
		return false, trace.BadParameter("parse threshold filter %q: %v", filter, err)
	}
	author := c.users[rev.Author]
	return thresholdFilter{
		lists: map[string][]string{
			"reviewer.roles": author.Roles, "request.roles": req.GetOriginalRoles(),
			"review.reason": {rev.Reason}, "request.reason": {req.GetRequestReason()},
		},
		maps: map[string]map[string][]string{
			"reviewer.traits": author.Traits, "request.system_annotations": req.GetSystemAnnotations(),
		},
	}.eval(expr)
}

// thresholdFilter evaluates an expression over named lists of text.
type thresholdFilter struct {
	lists map[string][]string
	maps  map[string]map[string][]string
}

func (f thresholdFilter) eval(expr ast.Expr) (bool, error) {
	switch e := expr.(type) {
	case *ast.ParenExpr:
		return f.eval(e.X)
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			holds, err := f.eval(e.X)
			return !holds, err
		}
	case *ast.BinaryExpr:
		return f.both(e)
	case *ast.CallExpr:
		return f.call(e)
	}
	return false, errFilter()
}

func (f thresholdFilter) both(e *ast.BinaryExpr) (bool, error) {
	left, err := f.eval(e.X)
	if err != nil {
		return false, err
	}
	right, err := f.eval(e.Y)
	switch e.Op {
	case token.LAND:
		return left && right, err
	case token.LOR:
		return left || right, err
	default:
		return false, errFilter()
	}
}

// call is contains(list, text) or equals(text, text).
func (f thresholdFilter) call(e *ast.CallExpr) (bool, error) {
	name, ok := e.Fun.(*ast.Ident)
	if !ok || len(e.Args) != 2 {
		return false, errFilter()
	}
	left, ok1 := f.list(e.Args[0])
	right, ok2 := f.list(e.Args[1])
	switch {
	case !ok1 || !ok2 || len(right) != 1:
		return false, errFilter()
	case name.Name == "contains":
		return slices.Contains(left, right[0]), nil
	case name.Name == "equals":
		return slices.Equal(left, right), nil
	}
	return false, errFilter()
}

// list is quoted text, a list such as reviewer.roles, or one of a map such as
// reviewer.traits["team"].
func (f thresholdFilter) list(expr ast.Expr) ([]string, bool) {
	switch e := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return []string{text}, err == nil
	case *ast.SelectorExpr:
		list, known := f.lists[selectorName(e)]
		return list, known
	case *ast.IndexExpr:
		named, isName := e.X.(*ast.SelectorExpr)
		key, isText := e.Index.(*ast.BasicLit)
		if !isName || !isText {
			return nil, false
		}
		of, known := f.maps[selectorName(named)]
		text, err := strconv.Unquote(key.Value)
		return of[text], known && err == nil
	}
	return nil, false
}

func selectorName(e *ast.SelectorExpr) string {
	if of, ok := e.X.(*ast.Ident); ok {
		return of.Name + "." + e.Sel.Name
	}
	return ""
}

func errFilter() error { return trace.BadParameter("unsupported threshold filter") }

package setup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	gojira "github.com/andygrunwald/go-jira"
	"github.com/google/uuid"
)

// Jira is a site of Jira Cloud, seen by an administrator. It is not safe for
// concurrent use.
type Jira struct {
	client

	want  Want
	found Found
	admin string // account id
}

// ErrNoAdministrator is that the account may not make what is needed.
var ErrNoAdministrator = errors.New("the account has not the global permission Administer Jira: " +
	"name an administrator with --admin-user and --admin-token-file")

// Inspect looks at what is there, and changes nothing. login authenticates as an
// administrator, at the address of the site.
func Inspect(ctx context.Context, login *http.Client, address string, want Want) (*Jira, error) {
	api, err := gojira.NewClient(login, address+"/")
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	j := &Jira{client: client{api}, want: want}
	for _, look := range []func(context.Context) error{
		j.lookAtAdmin, j.lookAtProject, j.lookAtIssueType, j.lookAtStatuses, j.lookAtSchemes, j.lookAtBoard,
	} {
		if err := look(ctx); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// Plan returns the steps to what is wanted.
func (j *Jira) Plan() ([]Step, error) { return Plan(j.want, j.found) }

func (j *Jira) lookAtAdmin(ctx context.Context) error {
	var me struct {
		ID string `json:"accountId"`
	}
	if err := j.call(ctx, http.MethodGet, "rest/api/2/myself", nil, &me); err != nil {
		return err
	}
	j.admin = me.ID
	var may struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	if err := j.call(ctx, http.MethodGet, "rest/api/2/mypermissions?permissions=ADMINISTER", nil, &may); err != nil {
		return err
	}
	if !may.Permissions["ADMINISTER"].Have {
		return ErrNoAdministrator
	}
	return nil
}

func (j *Jira) lookAtProject(ctx context.Context) error {
	var p named
	err := j.call(ctx, http.MethodGet, "rest/api/2/project/"+url.PathEscape(j.want.Project), nil, &p)
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	j.found.Project = p.ID.String()
	var uses struct {
		Values []struct {
			Scheme named `json:"workflowScheme"`
		} `json:"values"`
	}
	if err := j.call(ctx, http.MethodGet, "rest/api/2/workflowscheme/project?projectId="+j.found.Project, nil, &uses); err != nil {
		return err
	}
	j.found.Ours = len(uses.Values) == 1 && uses.Values[0].Scheme.Name == j.want.scheme()
	return nil
}

func (j *Jira) lookAtIssueType(ctx context.Context) error {
	var types []struct {
		named

		Subtask bool      `json:"subtask"`
		Scope   *struct{} `json:"scope"` // of a team-managed project alone
	}
	if err := j.call(ctx, http.MethodGet, "rest/api/2/issuetype", nil, &types); err != nil {
		return err
	}
	for _, t := range types {
		if t.Name == j.want.IssueType && !t.Subtask && t.Scope == nil {
			j.found.IssueType = t.ID.String()
		}
	}
	return nil
}

func (j *Jira) lookAtStatuses(ctx context.Context) error {
	j.found.Statuses = map[string]string{}
	for _, s := range j.want.Statuses.list() {
		var answer struct {
			Values []struct {
				named

				Scope scopeBody `json:"scope"`
			} `json:"values"`
		}
		query := url.Values{"searchString": {s.Name}, "maxResults": {"200"}}
		if err := j.call(ctx, http.MethodGet, "rest/api/2/statuses/search?"+query.Encode(), nil, &answer); err != nil {
			return err
		}
		for _, v := range answer.Values {
			if v.Name == s.Name && v.Scope.Type == "GLOBAL" {
				j.found.Statuses[s.Name] = v.ID.String()
			}
		}
	}
	return nil
}

func (j *Jira) lookAtSchemes(ctx context.Context) (err error) {
	name := j.want.scheme()
	workflow, err := j.find(ctx, "rest/api/2/workflows/search", url.Values{"queryString": {name}}, name)
	if err != nil {
		return err
	}
	j.found.Workflow = workflow != ""
	if j.found.WorkflowScheme, err = j.find(ctx, "rest/api/2/workflowscheme", url.Values{}, name); err != nil {
		return err
	}
	if j.found.IssueTypeSet, err = j.find(ctx, "rest/api/2/issuetypescheme", url.Values{"queryString": {name}}, name); err != nil {
		return err
	}
	var schemes struct {
		All []named `json:"permissionSchemes"`
	}
	if err := j.call(ctx, http.MethodGet, "rest/api/2/permissionscheme", nil, &schemes); err != nil {
		return err
	}
	for _, s := range schemes.All {
		if s.Name == name {
			j.found.PermissionScheme = s.ID.String()
		}
	}
	return nil
}

func (j *Jira) lookAtBoard(ctx context.Context) (err error) {
	if j.found.Filter, err = j.find(ctx, "rest/api/2/filter/search", url.Values{"filterName": {j.want.scheme()}}, j.want.scheme()); err != nil {
		return err
	}
	if j.found.Project == "" {
		return nil
	}
	j.found.Board, err = j.find(ctx, "rest/agile/1.0/board", url.Values{"projectKeyOrId": {j.want.Project}}, j.want.board())
	return err
}

// Make carries out a step that is not done. A step whose answer was lost is found
// done by the next run.
func (j *Jira) Make(ctx context.Context, s Step) error {
	makers := map[kind]func(context.Context) error{
		makeIssueType: j.makeIssueType, makeWorkflow: j.makeWorkflow, makeWorkflowScheme: j.makeWorkflowScheme,
		makeIssueTypeScheme: j.makeIssueTypeScheme, makePermissionScheme: j.makePermissionScheme,
		makeProject: j.makeProject, makeFilter: j.makeFilter, makeBoard: j.makeBoard,
	}
	return makers[s.Kind](ctx)
}

// BoardURL is the board's page, once it is made.
func (j *Jira) BoardURL(site string) string {
	return fmt.Sprintf("%s/jira/software/c/projects/%s/boards/%s", site, j.want.Project, j.found.Board)
}

func (j *Jira) makeIssueType(ctx context.Context) error {
	var made named
	body := map[string]any{"name": j.want.IssueType, "description": "Made by teleport-jira setup", "hierarchyLevel": 0}
	err := j.call(ctx, http.MethodPost, "rest/api/2/issuetype", body, &made)
	j.found.IssueType = made.ID.String()
	return err
}

// errInvalid: Jira would not take the workflow.
var errInvalid = errors.New("Jira does not take the workflow")

func (j *Jira) makeWorkflow(ctx context.Context) error {
	references := map[string]string{}
	body := j.want.workflows(j.found.Statuses, func(name string) string {
		if references[name] == "" {
			references[name] = uuid.NewString()
		}
		return references[name]
	})
	var report struct {
		Errors []struct {
			Level, Message string
		} `json:"errors"`
	}
	validation := map[string]any{"payload": body, "validationOptions": map[string]any{"levels": []string{"ERROR"}}}
	if err := j.call(ctx, http.MethodPost, "rest/api/2/workflows/create/validation", validation, &report); err != nil {
		return err
	}
	if len(report.Errors) > 0 {
		return fmt.Errorf("%w: %.300s", errInvalid, report.Errors[0].Message)
	}
	return j.call(ctx, http.MethodPost, "rest/api/2/workflows/create", body, nil)
}

func (j *Jira) makeWorkflowScheme(ctx context.Context) error {
	var made named
	body := map[string]any{"name": j.want.scheme(), "description": "Made by teleport-jira setup", "defaultWorkflow": j.want.scheme()}
	err := j.call(ctx, http.MethodPost, "rest/api/2/workflowscheme", body, &made)
	j.found.WorkflowScheme = made.ID.String()
	return err
}

func (j *Jira) makeIssueTypeScheme(ctx context.Context) error {
	var made struct {
		ID string `json:"issueTypeSchemeId"`
	}
	body := map[string]any{"name": j.want.scheme(), "defaultIssueTypeId": j.found.IssueType, "issueTypeIds": []string{j.found.IssueType}}
	err := j.call(ctx, http.MethodPost, "rest/api/2/issuetypescheme", body, &made)
	j.found.IssueTypeSet = made.ID
	return err
}

// makePermissionScheme lets everybody with access to Jira see, move and comment, and
// the daemon alone make and edit issues: what a card says of a request is then its
// own.
func (j *Jira) makePermissionScheme(ctx context.Context) error {
	type holder struct {
		Type      string `json:"type"`
		Parameter string `json:"parameter,omitempty"`
	}
	type grant struct {
		Permission string `json:"permission"`
		Holder     holder `json:"holder"`
	}
	daemon, admin := holder{"user", j.want.Daemon}, holder{"user", j.admin}
	grants := []grant{{"ADMINISTER_PROJECTS", admin}}
	for _, p := range []string{"BROWSE_PROJECTS", "TRANSITION_ISSUES", "ADD_COMMENTS"} {
		grants = append(grants, grant{p, holder{Type: "applicationRole"}})
	}
	for _, p := range []string{"BROWSE_PROJECTS", "TRANSITION_ISSUES", "ADD_COMMENTS", "CREATE_ISSUES", "EDIT_ISSUES", "ASSIGN_ISSUES", "MODIFY_REPORTER", "ASSIGNABLE_USER"} {
		grants = append(grants, grant{p, daemon})
	}
	grants = append(grants, grant{"ASSIGNABLE_USER", holder{Type: "applicationRole"}})
	var made named
	err := j.call(ctx, http.MethodPost, "rest/api/2/permissionscheme", map[string]any{"name": j.want.scheme(), "permissions": grants}, &made)
	j.found.PermissionScheme = made.ID.String()
	return err
}

func (j *Jira) makeProject(ctx context.Context) error {
	ids := map[string]string{
		"workflowScheme": j.found.WorkflowScheme, "issueTypeScheme": j.found.IssueTypeSet, "permissionScheme": j.found.PermissionScheme,
	}
	body := map[string]any{
		"key": j.want.Project, "name": "Access Requests " + j.want.Project, "projectTypeKey": "software",
		"leadAccountId": j.admin, "assigneeType": "UNASSIGNED",
	}
	for field, id := range ids {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		body[field] = n
	}
	var made named
	err := j.call(ctx, http.MethodPost, "rest/api/2/project", body, &made)
	j.found.Project = made.ID.String()
	return err
}

func (j *Jira) makeFilter(ctx context.Context) error {
	var made named
	err := j.call(ctx, http.MethodPost, "rest/api/2/filter", map[string]any{
		"name": j.want.scheme(), "jql": "project = " + j.want.Project + " ORDER BY Rank ASC",
		"sharePermissions": []any{map[string]any{"type": "project", "project": map[string]any{"id": j.found.Project}}},
	}, &made)
	j.found.Filter = made.ID.String()
	return err
}

func (j *Jira) makeBoard(ctx context.Context) error {
	filter, err := strconv.ParseInt(j.found.Filter, 10, 64)
	if err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	var made named
	err = j.call(ctx, http.MethodPost, "rest/agile/1.0/board", map[string]any{
		"name": j.want.board(), "type": "kanban", "filterId": filter,
		"location": map[string]any{"type": "project", "projectKeyOrId": j.want.Project},
	}, &made)
	j.found.Board = made.ID.String()
	return err
}

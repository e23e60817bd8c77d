package fakejira

import (
	"net"
	"net/http"
	"time"
)

// Flavour is the kind of Jira that is doubled.
type Flavour int

// The flavours.
const (
	Cloud Flavour = iota
	DataCenter
)

// String is the value of serverInfo's deploymentType.
func (f Flavour) String() string {
	if f == Cloud {
		return "Cloud"
	}
	return "Server"
}

// Category is a status category key, the same on every Jira.
type Category string

// The status categories.
const (
	ToDo       Category = "new"
	InProgress Category = "indeterminate"
	Done       Category = "done"
)

// Status is a workflow status. Ids are unique in the whole Jira; projects may
// share statuses.
type Status struct {
	ID       string
	Name     string
	Category Category
}

// Transition is a workflow step.
type Transition struct {
	ID   string
	Name string
	// From holds names or ids of the statuses it starts in; empty means a
	// global transition, open in every status including its own target.
	From []string
	To   string // name or id
	// Resolution puts the resolution field on the transition's screen.
	Resolution bool
	// Required are field ids that have to be sent with the transition, e.g.
	// "resolution". They are on the screen.
	Required []string
	// Allowed holds account ids and group names that may take it; empty means
	// everybody who may transition issues.
	Allowed []string
	// Event is Data Center's issue_event_type_name; empty means the event that
	// Jira's own workflows fire for such a step. Cloud says issue_generic.
	Event string
}

// Workflow holds the statuses of a project's issues and the steps between them.
type Workflow struct {
	Statuses    []Status
	Initial     string // name or id of the status new issues land in
	Transitions []Transition
}

// FieldType is the kind of values that a custom field takes.
type FieldType string

// The field types: values are a JSON string, a number, {"value": …} or
// {"id": …}, and a list of those.
const (
	TextField   FieldType = "text"
	NumberField FieldType = "number"
	SelectField FieldType = "select"
	MultiSelect FieldType = "multiselect"
)

// Field is a custom field.
type Field struct {
	ID        string // customfield_10050
	Name      string
	Type      FieldType // default TextField
	Required  bool
	Choices   []string // of SelectField and MultiSelect
	OffScreen bool     // not on the create screen: setting it is a 400
}

// IssueType is a kind of issue.
type IssueType struct {
	ID   string
	Name string
}

// Project holds issues that share a workflow.
type Project struct {
	ID         string
	Key        string
	FormerKeys []string // see Server.RenameProject
	Name       string
	Type       string // software | service_desk | business; default software
	IssueTypes []IssueType
	Workflow   Workflow
	Components []string
	Fields     []Field
	// OffScreen are system fields that are not on the create screen, e.g.
	// "labels": sending them is a 400 that names the field.
	OffScreen []string
	// OffEditScreen are those that are not on the edit screen.
	OffEditScreen []string
	// Permissions holds, per permission, the account ids and group names that
	// have it. A permission that is not listed belongs to every active account
	// but customers.
	Permissions map[Permission][]string
}

// Permission is a permission key of Jira.
type Permission string

// The permissions the double knows.
const (
	BrowseProjects   Permission = "BROWSE_PROJECTS"
	CreateIssues     Permission = "CREATE_ISSUES"
	EditIssues       Permission = "EDIT_ISSUES"
	AddComments      Permission = "ADD_COMMENTS"
	TransitionIssues Permission = "TRANSITION_ISSUES"
	DeleteIssues     Permission = "DELETE_ISSUES"
	MoveIssues       Permission = "MOVE_ISSUES"
	AssignIssues     Permission = "ASSIGN_ISSUES"
	ModifyReporter   Permission = "MODIFY_REPORTER"
	BrowseUsers      Permission = "USER_PICKER" // global
	Administer       Permission = "ADMINISTER"  // global; nobody unless listed
)

// Options make a Jira. Board gives complete ones to start from.
type Options struct {
	Flavour Flavour
	// BaseURL is what serverInfo tells and what links start with, with the
	// context path if there is one. Default https://jira.example.com; see
	// Server.SetBaseURL for servers that know their port late.
	BaseURL string
	// PathPrefix precedes /rest in request paths: Data Center's context path,
	// or /ex/jira/<cloud id> behind Atlassian's API gateway.
	PathPrefix string
	Version    string // default 1001.0.0-SNAPSHOT on Cloud, 10.3.24 on Data Center
	Projects   []Project
	Accounts   []Account
	// GlobalPermissions holds account ids and group names; BrowseUsers belongs
	// to everybody and Administer to nobody if not listed.
	GlobalPermissions map[Permission][]string
	// HideEmails leaves e-mail addresses out of all answers but /myself, as
	// most people's privacy settings on Cloud do.
	HideEmails bool
	// Translations are the status names, by their own, that a caller sees who
	// does not send Accept-Language: en, as if the profile's language were
	// another.
	Translations map[string]string
	// NoBasicAuth refuses basic authentication, Data Center's default from 11.0.
	NoBasicAuth bool
	// SearchLag is the age of the search index: searches see what was true so
	// long ago.
	SearchLag time.Duration
	// Latency is the time a call takes, half before its effect and half after.
	Latency time.Duration
	// PageCap is the most issues, comments or changelog entries on one page;
	// 0 means Jira's own caps.
	PageCap int
	// LastBesideToken says isLast on every page of Cloud's search, also beside a
	// token to go on with.
	LastBesideToken bool
	// ChangelogCap is how many of the newest entries expand=changelog shows on
	// Cloud; default 100.
	ChangelogCap int
	// BadTransition is the status that answers a transition which is not open
	// in the current status: 400 (default), 409, or 500 on Data Center.
	BadTransition int
	Limits        Limits
	// WebhookTransport delivers webhooks; by default a transport that connects
	// within 5 s, as Jira does. Close closes its idle connections.
	WebhookTransport http.RoundTripper
	// CallLog is how many of the latest calls and deliveries are kept; default
	// 10,000.
	CallLog int
}

func (o *Options) setDefaults() {
	if o.BaseURL == "" {
		o.BaseURL = "https://jira.example.com"
	}
	if o.Version == "" {
		o.Version = "1001.0.0-SNAPSHOT"
		if o.Flavour == DataCenter {
			o.Version = "10.3.24"
		}
	}
	if o.ChangelogCap == 0 {
		o.ChangelogCap = 100
	}
	if o.BadTransition == 0 {
		o.BadTransition = http.StatusBadRequest
	}
	if o.WebhookTransport == nil {
		o.WebhookTransport = &http.Transport{DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext}
	}
	if o.CallLog == 0 {
		o.CallLog = 10_000
	}
}

// Accounts of Board, by id. The bot's login is BotEmail or its id as user
// name, with BotToken; on Data Center also the personal access token BotPAT.
const (
	BotID    = "bot"
	AliceID  = "alice"
	BobID    = "bob"
	CarolID  = "carol"
	RobotID  = "robot"    // an app account
	ClientID = "customer" // a service desk customer
	BotEmail = "bot@example.com"
	BotToken = "bot-token"
	BotPAT   = "bot-pat"
)

// Board is a Jira with project TAR, issue type Task, statuses Pending (where
// issues land), Approved, Denied and Expired that can all be reached from each
// other, and the accounts above. Alice and Bob are in group approvers; Carol
// is in none.
func Board(f Flavour) Options {
	return Options{
		Flavour: f,
		Projects: []Project{{
			ID: "10000", Key: "TAR", Name: "Teleport Access Requests",
			IssueTypes: []IssueType{{ID: "10001", Name: "Task"}},
			Workflow:   BoardWorkflow(),
			Components: []string{"access"},
		}},
		Accounts: []Account{
			{ID: BotID, DisplayName: "Teleport Bot", Email: BotEmail, Token: BotToken, PAT: BotPAT},
			{ID: AliceID, DisplayName: "Alice Adams", Email: "alice@example.com", Token: "alice-token", Groups: []string{"approvers"}},
			{ID: BobID, DisplayName: "Bob Brown", Email: "bob@example.com", Token: "bob-token", Groups: []string{"approvers"}},
			{ID: CarolID, DisplayName: "Carol Clark", Email: "carol@example.com", Token: "carol-token"},
			{ID: RobotID, DisplayName: "Automation", Type: AppAccount, Token: "robot-token"},
			{ID: ClientID, DisplayName: "Clara Customer", Type: CustomerAccount, Email: "clara@example.com", Token: "customer-token"},
		},
	}
}

// BoardWorkflow is the workflow of Board: global transitions into four
// statuses, as a Kanban board without rules has them.
func BoardWorkflow() Workflow {
	return Workflow{
		Statuses: []Status{
			{ID: "10100", Name: "Pending", Category: ToDo},
			{ID: "10101", Name: "Approved", Category: Done},
			{ID: "10102", Name: "Denied", Category: Done},
			{ID: "10103", Name: "Expired", Category: Done},
		},
		Initial: "Pending",
		Transitions: []Transition{
			{ID: "11", Name: "Reopen", To: "Pending"},
			{ID: "21", Name: "Approve", To: "Approved"},
			{ID: "31", Name: "Deny", To: "Denied"},
			{ID: "41", Name: "Expire", To: "Expired"},
		},
	}
}

// ServiceDeskWorkflow is a workflow with rules: issues land in Backlog, have
// to pass Pending, and a resolution has to be given when they are closed.
func ServiceDeskWorkflow() Workflow {
	w := BoardWorkflow()
	w.Statuses = append(w.Statuses, Status{ID: "10104", Name: "Backlog", Category: ToDo})
	w.Initial = "Backlog"
	done := []string{"resolution"}
	w.Transitions = []Transition{
		{ID: "11", Name: "Select", From: []string{"Backlog"}, To: "Pending"},
		{ID: "21", Name: "Approve", From: []string{"Pending"}, To: "Approved", Required: done},
		{ID: "31", Name: "Deny", From: []string{"Pending"}, To: "Denied", Required: done},
		{ID: "41", Name: "Expire", From: []string{"Pending"}, To: "Expired", Required: done},
		{ID: "51", Name: "Reopen", From: []string{"Approved", "Denied", "Expired"}, To: "Pending"},
	}
	return w
}

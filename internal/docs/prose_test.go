package docs_test

// What the manual says beside what follows from the code.
const (
	introduction = `# Configuration

<!-- Made from the comments in internal/config/config.go by make docs. Change them there. -->

The daemon reads one TOML file, ` + "`/etc/teleport-jira.toml`" + ` unless ` + "`--config`" + ` names
another. ` + "`teleport-jira configure`" + ` prints an example to start from, and
` + "`teleport-jira check`" + ` tests everything that a configuration promises.

Unknown keys and wrong types are faults; all faults are reported at once, each
with file, line and key. A configuration of the existing teleport-jira plugin
works unchanged.

- **Durations** are written like ` + "`\"30s\"`, `\"10m\"` or `\"1h30m\"`" + `.
- **Secrets** never show up in logs or messages. Each has a second form that ends
  in ` + "`_file`" + ` and names a file to read it from, without the newline at its end;
  giving both is a fault. Such files are read again when they change and on
  SIGHUP.
- **SIGHUP** reads the configuration, certificates and identity again and reopens
  the log; everything can be changed so. A configuration at fault is reported,
  and the old one stays in use.
`

	templates = `
## Templates

` + "`jira.issue.summary`, `jira.issue.description`" + ` and the strings in ` + "`jira.fields`" + ` are
templates of Go's [text/template](https://pkg.go.dev/text/template). In a
description every inserted value is escaped, so that what people typed can't act
as markup; what the template itself says is Jira's wiki markup. In a summary and
in custom fields values are inserted as they are, and a summary is cut to 254
characters. A template that can't be understood is a fault of the configuration;
one that fails for a request costs its wording, not the issue.

| function | gives |
|---|---|
| ` + "`join LIST SEPARATOR`" + ` | the list as one text |
| ` + "`date TIME`" + ` | the time in UTC; nothing for a time that is not set |
| ` + "`wiki TEXT`" + ` | the text escaped, for custom fields that hold wiki markup |
| ` + "`link TEXT ADDRESS`" + ` | a link; in descriptions only |

[issue-templates.md](issue-templates.md) tells more of them.

`

	examples = `
` + "```toml" + `
[jira.issue]
summary = "{{.User}} wants {{join .Roles \" and \"}}"
description = """
h3. {{.User}} requested {{join .Roles ", "}}
{{if .Reason}}*Reason:* {{.Reason}}{{end}}
{{range .Resources}}* {{.Kind}} {{if .Name}}{{.Name}}{{else}}{{.ID}}{{end}}
{{end}}
{{link "Decide in Teleport" .URL}}, until {{date .Expires}}.
"""
labels = ["access"]
priority = "High"
reporter = "requester"

[jira.fields]
customfield_10050 = "{{.ID}}"                 # a text field, by its id
"Cost center" = "{{range index .Annotations \"cost_center\"}}{{.}}{{end}}"
customfield_10060 = { value = "Production" }  # a select list
customfield_10070 = 3                         # a number
` + "```" + `

## Examples of routes

Routes are tried in order, and the first that matches is taken. Requests that
none matches go to ` + "`jira.project`" + `.

` + "```toml" + `
# Requests for a production role go to the DBA team's project ...
[[jira.routes]]
roles = ["prod-db", "prod-*-admin"]
project = "DBA"
issue_type = "Access"
labels = ["production"]

# ... those of people whose roles say so to the platform team's ...
[[jira.routes]]
annotations = { team = ["platform", "network"] }
project = "PLAT"

# ... and these get no issue: they are decided in Teleport only.
[[jira.routes]]
roles = "read-only"
skip = true
` + "```" + `

## Examples of review rules

Named people and the members of a group may decide, but never their own
requests. Jira accounts are Teleport users by e-mail address, but for one.

` + "```toml" + `
[review]
mode = "review"
approvers = ["alice@example.com", "557058:0b1c6a5e-4c55-4a9c-9c4f-6d5b2f5a1e77"]
approver_groups = ["access-approvers"]

[review.identity]
match_email = true

[review.users]
"557058:0b1c6a5e-4c55-4a9c-9c4f-6d5b2f5a1e77" = "bob"
` + "```" + `

Decisions count as the person's own review, under that person's rights and
thresholds, on servers that know ` + "`submit_for_users`" + `. Only reviewers that the
request suggests may decide. The Teleport trait ` + "`jira_account`" + ` holds people's Jira
account ids.

` + "```toml" + `
[review]
mode = "on_behalf"
require_suggested_reviewer = true

[review.identity]
user_trait = "jira_account"
` + "```" + `
`
)

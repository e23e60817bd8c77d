package plan

import (
	"reflect"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func digestPolicy() Policy {
	return Policy{
		Statuses: Statuses{access.Pending: {"Pending"}, access.Approved: {"Approved", "10001"}, access.Denied: {"Denied"}},
		Default:  Route{Project: "TAR", IssueType: "Task"},
		Routes: []Route{
			{Roles: []string{"prod-*", "root"}, Annotations: map[string][]string{"team": {"db", "sre"}}, Project: "SEC"},
			{Roles: []string{"dev"}, Skip: true},
		},
		Review: ReviewRules{
			Mode: access.ModeReview, Approvers: []string{"alice", "bob"}, ApproverGroups: []string{"sre"},
			Users: map[string]string{"acc-1": "bob@example.com"}, UserTrait: "jira",
		},
	}
}

// TestDigestIsStable holds the digest against a value that earlier processes
// have stored: it may change only when the rules do.
func TestDigestIsStable(t *testing.T) {
	require.Equal(t, "bf80e5b0ef044ae3", digestPolicy().Digest())
	for range 20 { // maps are walked in another order each time
		require.Equal(t, "bf80e5b0ef044ae3", digestPolicy().Digest())
	}
}

func TestEqualRulesHaveOneDigest(t *testing.T) {
	want := digestPolicy().Digest()
	for name, change := range map[string]func(*Policy){
		"approvers in another order": func(p *Policy) { p.Review.Approvers = []string{"bob", "alice"} },
		"approver twice":             func(p *Policy) { p.Review.Approvers = []string{"bob", "alice", "bob"} },
		"statuses in another order":  func(p *Policy) { p.Statuses[access.Approved] = []string{"10001", "Approved"} },
		"state with no status":       func(p *Policy) { p.Statuses[access.Expired] = nil },
		"roles in another order":     func(p *Policy) { p.Routes[0].Roles = []string{"root", "prod-*"} },
		"empty annotations":          func(p *Policy) { p.Routes[1].Annotations = map[string][]string{} },
		"labels":                     func(p *Policy) { p.Default.Labels = []string{"x"}; p.Routes[0].Labels = []string{"y"} },
		"issue type":                 func(p *Policy) { p.Default.IssueType = "Bug" },
	} {
		t.Run(name, func(t *testing.T) {
			p := digestPolicy()
			change(&p)
			require.Equal(t, want, p.Digest())
			require.NotEmpty(t, p.Default.Project, "the policy itself is left as it is")
		})
	}
}

func TestOrderOfRoutesIsARule(t *testing.T) {
	p := digestPolicy()
	p.Routes[0], p.Routes[1] = p.Routes[1], p.Routes[0]
	require.NotEqual(t, digestPolicy().Digest(), p.Digest())
}

// TestEverySettingIsInTheDigest changes every field that a policy has, also
// those that were added after this test, one at a time.
func TestEverySettingIsInTheDigest(t *testing.T) {
	noRules := map[string]bool{
		"Policy.Default.IssueType": true, "Policy.Default.Labels": true,
		"Policy.Routes[0].IssueType": true, "Policy.Routes[0].Labels": true,
	}
	seen := map[string]string{digestPolicy().Digest(): "the unchanged policy"}
	eachSetting(reflect.ValueOf(digestPolicy()), "Policy", func(path string, change func(root reflect.Value)) {
		p := digestPolicy()
		change(reflect.ValueOf(&p).Elem())
		digest := p.Digest()
		if noRules[path] {
			require.Equal(t, "the unchanged policy", seen[digest], path)
			return
		}
		require.Empty(t, seen[digest], "%s has the digest of another change", path)
		seen[digest] = path
	})
	require.Greater(t, len(seen), 15)
}

// eachSetting calls each with each setting of v and a function that changes it
// in another value of the same shape.
func eachSetting(v reflect.Value, path string, each func(string, func(reflect.Value))) {
	eachIn := func(step func(reflect.Value) reflect.Value) func(string, func(reflect.Value)) {
		return func(path string, change func(reflect.Value)) {
			each(path, func(root reflect.Value) { change(step(root)) })
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			eachSetting(v.Field(i), path+"."+v.Type().Field(i).Name, eachIn(func(root reflect.Value) reflect.Value { return root.Field(i) }))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			eachSetting(v.Index(0), path+"[0]", eachIn(func(root reflect.Value) reflect.Value { return root.Index(0) }))
			return
		}
		each(path, func(root reflect.Value) {
			root.Set(reflect.Append(root, reflect.ValueOf("added to "+path).Convert(root.Type().Elem())))
		})
	case reflect.Map:
		each(path, func(root reflect.Value) {
			if root.IsNil() {
				root.Set(reflect.MakeMap(root.Type()))
			}
			value := reflect.New(root.Type().Elem()).Elem()
			if value.Kind() == reflect.Slice {
				value = reflect.Append(value, reflect.ValueOf("added to "+path))
			} else {
				value.SetString("added to " + path)
			}
			root.SetMapIndex(reflect.ValueOf("new").Convert(root.Type().Key()), value)
		})
	case reflect.Bool:
		each(path, func(root reflect.Value) { root.SetBool(!root.Bool()) })
	case reflect.String:
		each(path, func(root reflect.Value) { root.SetString("set at " + path) })
	case reflect.Int, reflect.Int64:
		each(path, func(root reflect.Value) { root.SetInt(root.Int() + 1) })
	default:
		panic("setting of a kind that this test does not know at " + path + ": " + strconv.Quote(v.Kind().String()))
	}
}

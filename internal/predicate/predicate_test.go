package predicate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/predicate"
)

// input is a request of alice's for two roles on a Monday.
func input() predicate.Input {
	return predicate.Input{
		Roles: []string{"dev", "stage"}, SuggestedReviewers: []string{"bob"},
		Annotations: map[string][]string{"team": {"cloud", "web"}}, User: "alice", Reason: "I am on-call tonight",
		Created: time.Date(2025, time.August, 11, 14, 30, 0, 0, time.UTC),
		Expires: time.Date(2025, time.August, 12, 14, 30, 0, 0, time.UTC),
		Traits:  map[string][]string{"level": {"L1"}, "team": {"Cloud"}, "location": {"Seattle"}}, TraitsKnown: true,
		Plugin: "jira",
	}
}

func TestConditions(t *testing.T) {
	for condition, want := range map[string]bool{
		// The examples of Teleport's reference of access monitoring rules.
		`!is_empty(access_request.spec.roles)`:                                  true,
		`access_request.spec.user == "alice"`:                                   true,
		`access_request.spec.user == "example_user"`:                            false,
		`access_request.spec.user != "example_user"`:                            true,
		`access_request.spec.roles.contains("dev")`:                             true,
		`access_request.spec.roles.contains("prod")`:                            false,
		`set("dev", "stage").contains_all(access_request.spec.roles)`:           true,
		`set("dev").contains_all(access_request.spec.roles)`:                    false,
		`contains_all(set("dev", "stage", "x"), access_request.spec.roles)`:     true,
		`contains_all(set("dev"), access_request.spec.roles)`:                   false,
		`access_request.spec.roles.contains_all(set("dev"))`:                    true,
		`contains_any(user.traits["team"], set("dev", "Cloud"))`:                true,
		`contains_any(user.traits["team"], set("dev", "stage"))`:                false,
		`contains_any(access_request.spec.roles, set("prod", "dev"))`:           true,
		`access_request.spec.roles.contains_any(set("prod"))`:                   false,
		`regexp.match(user.traits["level"], "^L1$")`:                            true,
		`regexp.match(user.traits["level"], "^L[23]$")`:                         false,
		`regexp.match(set(access_request.spec.request_reason), "*on-call*")`:    true,
		`!regexp.match(set(access_request.spec.request_reason), "*important*")`: true,
		`contains_all(set("dev", "stage"), access_request.spec.roles) && ` +
			`contains_any(user.traits["level"], set("L1", "L2")) && contains_any(user.traits["location"], set("Seattle"))`: true,
		// Patterns: the whole has to match, and only * is special in one that is no
		// regular expression.
		`regexp.match(set("dev-team"), "dev")`:     false,
		`regexp.match(set("dev-team"), "dev-*")`:   true,
		`regexp.match(set("devxteam"), "dev.*")`:   false,
		`regexp.match(set("dev.team"), "dev.*")`:   true,
		`regexp.match(set(), "*")`:                 false,
		`regexp.match(set("a", "b1"), "^b[0-9]$")`: true,
		// Forms, operators and their precedence.
		`contains(access_request.spec.roles, "dev")`:                                 true,
		`equals(access_request.spec.user, "alice")`:                                  true,
		`equals(access_request.spec.roles, set("stage", "dev"))`:                     true,
		`access_request.spec.roles == set("dev")`:                                    false,
		`access_request.spec.roles != set("dev")`:                                    true,
		`set() == user.traits["none"]`:                                               true,
		`access_request.spec.suggested_reviewers.contains("bob")`:                    true,
		`access_request.spec.system_annotations["team"].contains("web")`:             true,
		`access_request.spec.system_annotations.team.contains("web")`:                true,
		`is_empty(access_request.spec.system_annotations["none"])`:                   true,
		`user.traits[access_request.spec.user].is_empty()`:                           true,
		`access_request.spec.creation_time.day() == "Monday"`:                        true,
		`day(access_request.spec.expiry) == "Tuesday"`:                               true,
		`set("Saturday", "Sunday").contains(day(access_request.spec.creation_time))`: true && false,
		`plugin.spec.name == "jira"`:                                                 true,
		`plugin.spec.name == "slack"`:                                                false,
		`true`:                                                                       true,
		`false || true && false`:                                                     false,
		`(false || true) && !false`:                                                  true,
		`true || false && false`:                                                     true,
		// Nothing is held by everything only in logic books.
		`contains_all(access_request.spec.roles, set())`:    false,
		`contains_all(set("dev"), user.traits["none"])`:     false,
		`!contains_all(set("dev"), user.traits["none"])`:    true,
		`contains_any(access_request.spec.roles, set())`:    false,
		"contains(access_request.spec.roles, `dev`)":        true,
		" \n access_request.spec.roles.contains(\"dev\")\n": true,
	} {
		t.Run(condition, func(t *testing.T) {
			c, err := predicate.Compile(condition)
			require.NoError(t, err)
			got, err := c.Holds(input())
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestWhatIsNotKnownIsAnError(t *testing.T) {
	for condition, says := range map[string]string{
		``:      "empty",
		" \n\t": "empty",
		`access_request.spec.resource_labels_intersection["env"].contains("dev")`: "resource_labels_intersection",
		`access_request.spec.resource_labels_union["env"].contains("dev")`:        "resource_labels_union",
		`access_request.spec.creation_time.in_schedule(spec.schedules["test"])`:   "in_schedule",
		`access_request.spec.creation_time.clock_between("09:00", "17:00")`:       "clock_between",
		`clock_between(access_request.spec.creation_time, "09:00", "17:00")`:      "clock_between",
		`access_request.spec.role.contains("x")`:                                  "access_request.spec.role ",
		`contains_any(user.trait["team"], set("dev"))`:                            "user.trait ",
		`plugin.spec.kind == "jira"`:                                              "plugin.spec.kind",
		`contains(access_request.spec.user, "alice")`:                             "wants a set",
		`contains_any(access_request.spec.roles, "dev")`:                          "wants sets",
		`contains_any("dev", access_request.spec.roles)`:                          "wants sets",
		`regexp.match(access_request.spec.request_reason, "x")`:                   "wants a set",
		`regexp.match(access_request.spec.roles, access_request.spec.user)`:       "in quotes",
		`regexp.match(access_request.spec.roles, "^($")`:                          "regexp.match",
		`access_request.spec.roles == "dev"`:                                      "sets",
		`access_request.spec.user == access_request.spec.roles`:                   "a text",
		`access_request.spec.creation_time == "Monday"`:                           "a time",
		`access_request.spec.creation_time > access_request.spec.expiry`:          "not supported",
		`day("Monday") == "Monday"`:                                               "wants a time",
		`is_empty(access_request.spec.user)`:                                      "wants a set",
		`access_request.spec.user["x"]`:                                           "a map",
		`user.traits[1].contains("x")`:                                            "a text as key",
		`set("a", 1).contains("a")`:                                               "wants texts",
		`access_request.spec.user && true`:                                        "true or false",
		`true || "x"`:                                                             "true or false",
		`!access_request.spec.user`:                                               "true or false",
		`access_request.spec.roles`:                                               "neither true nor false",
		`"true"`:                                                                  "neither true nor false",
		`1`:                                                                       "neither true nor false",
		`contains_any(user.traits["team"], set("dev". "stage"))`:                  "",
		`contains(access_request.spec.roles)`:                                     "",
		`is_empty()`:                                                              "",
		`access_request.spec.roles.contains("dev"`:                                "",
		`strings.lower(access_request.spec.user) == "alice"`:                      "strings.lower",
		`access_request.spec.roles.add("x").contains("x")`:                        "",
		`true; true`:                    "",
		`func() bool { return true }()`: "",
		strings.Repeat("(", 20_000):     "longer",
		strings.Repeat("(", 8_000) + "true" + strings.Repeat(")", 8_000) + "&&": "",
	} {
		t.Run(condition[:min(len(condition), 80)], func(t *testing.T) {
			c, err := predicate.Compile(condition)
			require.Nil(t, c)
			require.ErrorContains(t, err, says)
			require.LessOrEqual(t, len(err.Error()), 310)
		})
	}
}

func TestTraitsThatAreNotKnown(t *testing.T) {
	const trait = `contains_any(user.traits["team"], set("Cloud"))`
	for condition, want := range map[string]string{
		trait:                         "unknown",
		`!` + trait:                   "unknown",
		trait + ` || true`:            "unknown",
		`true || ` + trait:            "true",
		`false && ` + trait:           "false",
		`true && ` + trait:            "unknown",
		`is_empty(user.traits["no"])`: "unknown",
		`access_request.spec.roles.contains("dev") || ` + trait: "true",
		`user.traits["x"] == set()`:                             "unknown",
	} {
		t.Run(condition, func(t *testing.T) {
			in := input()
			in.TraitsKnown = false
			c, err := predicate.Compile(condition)
			require.NoError(t, err)
			got, err := c.Holds(in)
			if want == "unknown" {
				require.ErrorIs(t, err, predicate.ErrTraits)
				require.False(t, got)
				return
			}
			require.NoError(t, err)
			require.Equal(t, want == "true", got)
		})
	}
}

func TestNamesPlugin(t *testing.T) {
	for condition, want := range map[string]bool{
		`plugin.spec.name == "jira"`:                     true,
		`true || !(set("a").contains(plugin.spec.name))`: true,
		`access_request.spec.user == "plugin.spec.name"`: false,
		`access_request.spec.roles.contains("plugin")`:   false,
		`equals("jira", plugin.spec.name) && true`:       true,
	} {
		c, err := predicate.Compile(condition)
		require.NoError(t, err, condition)
		require.Equal(t, want, c.NamesPlugin(), condition)
	}
}

// FuzzCompile: no condition, whoever wrote it, ends the daemon, and one that
// depends on traits never holds by not knowing them where it would not by knowing.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`access_request.spec.roles.contains("dev") && !is_empty(user.traits["team"])`,
		`regexp.match(set("a"), "^[a-$")`, `user.traits.team.contains_any(set("x")) || true`, `((((`, "`", `set(set())`, `!!true`,
		`access_request.spec.creation_time.day() == "Monday"`, `a.b.c["d"](1)`, `nil`, `plugin.spec.name`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, condition string) {
		c, err := predicate.Compile(condition)
		if err != nil {
			require.Nil(t, c)
			require.NotEmpty(t, err.Error())
			return
		}
		for _, traits := range []map[string][]string{nil, input().Traits} {
			known, unknown := input(), input()
			known.Traits, unknown.Traits, unknown.TraitsKnown = traits, traits, false
			want, err := c.Holds(known)
			require.NoError(t, err, "nothing but traits may be unknown")
			if got, err := c.Holds(unknown); err == nil {
				require.Equal(t, want, got)
			}
		}
	})
}

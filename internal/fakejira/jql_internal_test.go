package fakejira

import (
	"testing"
	"time"
)

// FuzzJQL: no query stops the double, and what it parses it can evaluate or
// refuse.
func FuzzJQL(f *testing.F) {
	for _, q := range []string{
		`project = TAR AND labels = "teleport-abc" ORDER BY created ASC`,
		`status not in (Approved, "10100") AND creator = currentUser()`,
		`updated >= "-5m" and labels in (a, 'b c') order by key desc, id`, `labels = 'it\'s \"'`, `((((`, `"`, `a not`, `order by`, `in (in`,
	} {
		f.Add(q)
	}
	s, err := New(Board(Cloud))
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	iss := &Issue{ID: "10000", Key: "TAR-1", Project: "TAR", Labels: []string{"l"}}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseJQL(text)
		if err != nil {
			return
		}
		b := jqlBinder{s: s, who: s.world.account(BotID), now: time.Unix(1, 0)}
		match, err := b.bind(q.where)
		if err != nil {
			return
		}
		if once, twice := match(iss), match(iss); once != twice {
			t.Errorf("%q says %t, then %t", text, once, twice)
		}
	})
}

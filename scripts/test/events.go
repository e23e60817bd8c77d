package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// event is what go test -json writes, a line each (see go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// test is a test, or with an empty name a package, that has not ended.
type test struct {
	began  time.Time
	output []string
	parent bool // has subtests, which are counted in its place
}

// tests is what go test has told of a step.
type tests struct {
	passed  int
	failed  []string // the tests that failed, or packages that failed without one
	skipped []string // with the reason
	open    map[event]*test
}

// empty reports whether there were no tests.
func (t *tests) empty() bool { return t.passed+len(t.failed)+len(t.skipped) == 0 }

// read takes a line of a step's output and returns what is to be shown of it:
// other lines than events as they are, packages that ended, and the output of
// what failed.
func (t *tests) read(line string) string {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		return line + "\n"
	}
	if strings.HasPrefix(e.Action, "build-") {
		return e.Output
	}
	key := event{Package: e.Package, Test: e.Test}
	if t.open == nil {
		t.open = map[event]*test{}
	}
	if t.open[key] == nil {
		t.open[key] = &test{began: time.Now()}
	}
	switch e.Action {
	case "run":
		if i := strings.LastIndex(e.Test, "/"); i > 0 {
			if p := t.open[event{Package: e.Package, Test: e.Test[:i]}]; p != nil {
				p.parent = true
			}
		}
	case "output":
		t.open[key].output = append(t.open[key].output, e.Output)
	case "pass", "fail", "skip":
		ended := t.open[key]
		delete(t.open, key)
		if e.Test == "" {
			return t.packageEnded(e, ended)
		}
		return t.testEnded(e, ended)
	}
	return ""
}

// testEnded counts a test and returns the output of one that failed.
func (t *tests) testEnded(e event, ended *test) string {
	full := strings.TrimPrefix(e.Package, module) + " " + e.Test
	switch {
	case e.Action == "fail":
		if !slices.ContainsFunc(t.failed, func(f string) bool { return strings.HasPrefix(f, full+"/") }) {
			t.failed = append(t.failed, full)
		}
		return strings.Join(ended.output, "")
	case e.Action == "skip":
		t.skipped = append(t.skipped, full+": "+reason(ended.output))
	case !ended.parent:
		t.passed++
	}
	return ""
}

// packageEnded returns go test's own line about a package, and all that one said
// that failed. Tests that were running when it ended, by a panic or a timeout,
// have failed.
func (t *tests) packageEnded(e event, ended *test) string {
	var b strings.Builder
	fails := 0
	for key, cut := range t.open {
		if key.Package == e.Package {
			delete(t.open, key)
			if e.Action == "fail" {
				b.WriteString(strings.Join(cut.output, ""))
			}
		}
	}
	for _, f := range t.failed {
		if strings.HasPrefix(f, strings.TrimPrefix(e.Package, module)+" ") {
			fails++
		}
	}
	if e.Action == "fail" && fails == 0 {
		t.failed = append(t.failed, strings.TrimPrefix(e.Package, module))
	}
	for _, line := range ended.output {
		if e.Action == "fail" && line != "FAIL\n" || strings.HasPrefix(line, "ok ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// reason finds why a test was skipped: "    file_test.go:12: why".
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if _, why, ok := strings.Cut(line, "_test.go:"); ok {
			_, why, _ = strings.Cut(why, ": ")
			return strings.TrimSpace(why)
		}
	}
	return "no reason given"
}

// running describes what has not ended: the tests that run longest.
func (t *tests) running(now time.Time) string {
	type entry struct {
		text string
		age  time.Duration
	}
	var entries []entry
	for key, open := range t.open {
		if key.Test != "" && !open.parent {
			entries = append(entries, entry{strings.TrimPrefix(key.Package, module) + " " + key.Test, now.Sub(open.began)})
		}
	}
	if len(entries) == 0 {
		if t.empty() {
			return "running"
		}
		return fmt.Sprintf("%d tests passed, compiling", t.passed)
	}
	slices.SortFunc(entries, func(a, b entry) int { return int(b.age - a.age) })
	const shown = 2
	texts := make([]string, 0, shown)
	for _, e := range entries[:min(shown, len(entries))] {
		texts = append(texts, fmt.Sprintf("%s (%.0f s)", e.text, e.age.Seconds()))
	}
	return fmt.Sprintf("%d tests passed, running %s", t.passed, strings.Join(texts, ", "))
}

// module is left out of the names that are shown.
const module = "teleport-jira/"

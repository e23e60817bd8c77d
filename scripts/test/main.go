// Command test runs targets of the Makefile one after another and shows how far
// they are: a line for each package as it is done, a line now and then while
// nothing is done, what failed in full, and at the end what passed, what was
// skipped and why.
//
//	go run ./scripts/test build vet 'unit RACE=-race' e2e
//
// Each argument is a target and the variables it is run with. Targets get
// JSON=-json, which has go test write events for this program to read.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	quiet := flag.Duration("quiet", 20*time.Second, "longest silence before a line says what is running")
	var skipped []string
	flag.Func("skipped", "what is not run, and why; may be repeated", func(s string) error {
		skipped = append(skipped, s)
		return nil
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	r := &runner{out: os.Stdout, quiet: *quiet, skipped: skipped, command: makeTarget}
	ok := r.run(ctx, flag.Args())
	stop()
	if !ok {
		os.Exit(1)
	}
}

// makeTarget is a step as a command: a target of the Makefile.
func makeTarget(ctx context.Context, step string) *exec.Cmd {
	args := append([]string{"-s", "--no-print-directory", "JSON=-json"}, strings.Fields(step)...)
	cmd := exec.CommandContext(ctx, "make", args...) //nolint:gosec // the steps stand in the Makefile
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// runner runs steps and writes what happens to out.
type runner struct {
	out     io.Writer
	quiet   time.Duration // longest silence
	skipped []string      // what the caller leaves out, with the reason
	command func(ctx context.Context, step string) *exec.Cmd
}

// done is a step that has ended.
type done struct {
	name string
	took time.Duration
	err  error
	tests
}

// run reports whether all steps passed. If the first one fails without a test,
// the others are not run: it is the build, which they need.
func (r *runner) run(ctx context.Context, steps []string) bool {
	began := time.Now()
	var all []done
	for i, step := range steps {
		d := r.step(ctx, step)
		all = append(all, d)
		if i == 0 && d.err != nil && d.empty() || ctx.Err() != nil {
			for _, rest := range steps[i+1:] {
				r.skipped = append(r.skipped, name(rest)+": "+d.name+" failed")
			}
			break
		}
	}
	return summarize(r.out, all, r.skipped, time.Since(began))
}

// step runs one step to its end.
func (r *runner) step(ctx context.Context, step string) done {
	d := done{name: name(step)}
	began := time.Now()
	fmt.Fprintf(r.out, "=== %s\n", d.name)
	lines := make(chan string)
	reader, writer := io.Pipe()
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(reader)
		scanner.Buffer(nil, 16<<20)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
		// A line longer than the buffer: the rest is read, or the step would hang.
		_, _ = io.Copy(io.Discard, reader)
	}()
	cmd := r.command(ctx, step)
	cmd.Stdout, cmd.Stderr = writer, writer
	ended := make(chan error, 1)
	go func() {
		err := cmd.Run()
		_ = writer.Close()
		ended <- err
	}()
	r.show(&d, lines, began)
	d.err = <-ended
	d.took = time.Since(began)
	verb := "passed"
	if d.err != nil {
		verb = "FAILED"
	}
	fmt.Fprintf(r.out, "=== %s %s after %.0f s\n", d.name, verb, d.took.Seconds())
	return d
}

// show writes what a step's lines tell until they end, and what is running
// whenever they have told nothing for a while.
func (r *runner) show(d *done, lines <-chan string, began time.Time) {
	tick := time.NewTicker(r.quiet / 4)
	defer tick.Stop()
	spoken := time.Now()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			if text := d.read(line); text != "" {
				fmt.Fprint(r.out, text)
				spoken = time.Now()
			}
		case now := <-tick.C:
			if now.Sub(spoken) >= r.quiet*3/4 {
				fmt.Fprintf(r.out, "    %s, %.0f s: %s\n", d.name, now.Sub(began).Seconds(), d.running(now))
				spoken = now
			}
		}
	}
}

func name(step string) string {
	first, _, _ := strings.Cut(step, " ")
	return first
}

// summarize writes the closing lines and reports whether everything passed.
// The line with the three numbers stands alone, for programs that look for it.
func summarize(out io.Writer, all []done, skipped []string, took time.Duration) bool {
	var passed, failed, omitted int
	var good, bad []string
	fmt.Fprintln(out, "=== summary")
	for _, d := range all {
		for _, f := range d.failed {
			fmt.Fprintf(out, "failed: %s\n", f)
		}
		passed, failed, omitted = passed+d.passed, failed+len(d.failed), omitted+len(d.skipped)
		skipped = append(skipped, d.skipped...)
		step := fmt.Sprintf("%s %.0f s", d.name, d.took.Seconds())
		if d.err != nil {
			bad = append(bad, step)
			if len(d.failed) == 0 {
				fmt.Fprintf(out, "failed: %s: %v\n", d.name, d.err)
			}
		} else {
			good = append(good, step)
		}
	}
	for _, s := range skipped {
		fmt.Fprintf(out, "skipped: %s\n", s)
	}
	fmt.Fprintf(out, "tests: %d passed, %d failed, %d skipped\n", passed, failed, omitted)
	closing := "all passed"
	if len(bad) > 0 {
		closing = "FAILED: " + strings.Join(bad, ", ") + "; passed"
	}
	fmt.Fprintf(out, "%s: %s; %d skipped; %.0f s in all\n", closing, strings.Join(good, ", "), len(skipped), took.Seconds())
	return len(bad) == 0
}

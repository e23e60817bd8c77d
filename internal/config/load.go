package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// byteOrderMark is what some editors on Windows put before a text. It means
// nothing in UTF-8.
const byteOrderMark = "\ufeff"

// maxFile bounds a configuration file.
const maxFile = 1 << 20

// Options are the command line's options for a configuration.
type Options struct {
	// InsecureNoTLS allows a webhook listener without a certificate.
	InsecureNoTLS bool
}

// Load reads, decodes and validates the configuration in the file path and
// reads the secrets that it names. The error is Faults with everything that is
// wrong at once.
func Load(path string, o Options) (*Config, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, Faults{{File: path, Msg: err.Error()}}
	}
	return Parse(path, data, o)
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, cause(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("larger than %d KiB", limit>>10)
	}
	return data, nil
}

// cause returns err without the path, which every fault names already.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Parse is Load for a file that has been read already; faults name it name.
func Parse(name string, data []byte, o Options) (*Config, error) {
	c, err := parse(name, data, o)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// LoadForTeleport is Load for a configuration that is not finished: only what
// concerns Teleport has to be valid, so that Teleport can be set up before Jira and
// the webhooks are.
func LoadForTeleport(path string) (*Config, error) {
	return loadTables(path, "teleport", "review", "access", "jira.statuses")
}

// LoadForJira is Load for a configuration that is finished only where it concerns
// Jira.
func LoadForJira(path string) (*Config, error) { return loadTables(path, "jira", "review", "access") }

// loadTables is Load where only some tables have to be valid.
func loadTables(path string, tables ...string) (*Config, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, Faults{{File: path, Msg: err.Error()}}
	}
	c, err := parse(path, data, Options{})
	var faults, concerning Faults
	if err != nil && (c == nil || !errors.As(err, &faults)) {
		return nil, err
	}
	for _, f := range faults {
		if slices.ContainsFunc(tables, func(table string) bool { return within(f.Key, table) }) {
			concerning = append(concerning, f)
		}
	}
	if len(concerning) > 0 {
		return nil, concerning
	}
	return c, nil
}

// parse is Parse that returns also what could be decoded of a file with faults;
// nil only where it is no TOML.
func parse(name string, data []byte, o Options) (*Config, error) {
	var tree map[string]any
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil, Faults{syntaxFault(name, err)}
	}
	d := &decoder{file: name, lines: linesOf(data)}
	c := Default()
	d.table("", reflectValue(c), tree)
	v := &validator{decoder: d, c: c, opts: o}
	v.validate()
	if len(d.faults) > 0 {
		return c, d.faults.sorted()
	}
	c.Warnings = d.warnings.sorted()
	return c, nil
}

// syntaxFault returns the fault of a file that is no TOML. It is the only one:
// nothing else can be checked.
func syntaxFault(name string, err error) Fault {
	msg := strings.TrimPrefix(err.Error(), "toml: ")
	f := Fault{File: name, Msg: strings.ReplaceAll(msg, "\n", " ")}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		f.Line, _ = de.Position()
	}
	return f
}

// Package openapi holds Jira's traffic in tests against Atlassian's own API
// documents: those of the Cloud platform REST API v2 and of Data Center.
//
// The documents are not part of the repository. They are looked for in a
// directory shared/jira-openapi beside the repository or one of its parents;
// where they are absent nothing is validated, and the test's log says so.
//
// The package is for tests only and may not be imported by the daemon.
package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"teleport-jira/internal/fakejira"
)

// document is one of Atlassian's documents, with its known defects mended.
type document struct {
	spec   *openapi3.T
	prefix string // what precedes the document's paths in a request's
}

// errAbsent: the documents are not on this machine.
var errAbsent = errors.New("API documents of Atlassian are not there")

// documents loads each document once per process: it takes half a second.
type documents struct {
	cloud      func() (*document, error)
	dataCenter func() (*document, error)
}

// loaded is shared by all tests of a process.
var loaded = documents{ //nolint:gochecknoglobals // a cache of files that never change
	cloud: sync.OnceValues(func() (*document, error) {
		return load("jira-platform-v2.openapi.json", "", mendCloud)
	}),
	dataCenter: sync.OnceValues(func() (*document, error) {
		return load("jira-software-dc-10.3-openapi.json", "/rest", mendDataCenter)
	}),
}

func (d documents) of(f fakejira.Flavour) (*document, error) {
	if f == fakejira.Cloud {
		return d.cloud()
	}
	return d.dataCenter()
}

// load reads a document and mends it.
func load(name, prefix string, mend func(tree)) (*document, error) {
	dir, err := sharedDir()
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var root tree
	if err := json.Unmarshal(raw, &root); err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	mendEverywhere(root)
	mend(root)
	if raw, err = json.Marshal(root); err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	spec, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return &document{spec: spec, prefix: prefix}, nil
}

// sharedDir walks up from the working directory until shared/jira-openapi is
// found.
func sharedDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find working directory: %w", err)
	}
	for {
		candidate := filepath.Join(dir, "shared", "jira-openapi")
		if st, err := os.Stat(candidate); err == nil && st.IsDir() {
			return candidate, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errAbsent
		}
		dir = parent
	}
}

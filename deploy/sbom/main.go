// Command sbom writes the bill of materials of a Go program, in CycloneDX's JSON:
// the modules and the Go release that the program itself says it was built of. It
// runs nothing, asks nobody, and gives the same bytes for the same program:
//
//	sbom -name NAME -version VERSION -license ID -time SECONDS PROGRAM
//
// The time is that of the sources, in seconds since 1970.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
)

// subject is the program that the bill is about, as far as it can't say so itself.
type subject struct {
	path    string // of the file
	name    string
	version string
	license string // SPDX's id
	sources int64  // when the sources were made, in seconds since 1970
}

func main() {
	var s subject
	flag.StringVar(&s.name, "name", "", "`name` of the program")
	flag.StringVar(&s.version, "version", "", "its `version`")
	flag.StringVar(&s.license, "license", "", "SPDX's `id` of its license")
	flag.Int64Var(&s.sources, "time", 0, "when its sources were made, in `seconds` since 1970")
	flag.Parse()
	s.path = flag.Arg(0)
	if err := write(os.Stdout, s); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// write writes the bill of the program to w.
func write(w io.Writer, s subject) error {
	if s.path == "" || s.name == "" || s.version == "" || s.license == "" || s.sources == 0 {
		return errors.New("a program, and -name, -version, -license and -time, are wanted")
	}
	content, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(s.path)
	if err != nil {
		return fmt.Errorf("read what %s was built of: %w", s.path, err)
	}
	bom := bill(s, info, sha256.Sum256(content))
	if err := cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return fmt.Errorf("write the bill: %w", err)
	}
	return nil
}

// bill is the bill of a program with that build information and SHA-256 sum. That
// it needs each module is all that a program says of what needs what.
func bill(s subject, info *debug.BuildInfo, sum [sha256.Size]byte) *cdx.BOM {
	program := cdx.Component{
		BOMRef:     "pkg:generic/" + s.name + "@" + s.version,
		Type:       cdx.ComponentTypeApplication,
		Name:       s.name,
		Version:    s.version,
		Hashes:     &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
		Licenses:   &cdx.Licenses{{License: &cdx.License{ID: s.license}}},
		PackageURL: "pkg:generic/" + s.name + "@" + s.version,
	}
	components := []cdx.Component{module("std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		components = append(components, module(m.Path, m.Version))
	}
	needs := make([]string, 0, len(components))
	dependencies := []cdx.Dependency{{Ref: program.BOMRef, Dependencies: &needs}}
	for _, c := range components {
		needs = append(needs, c.BOMRef)
		dependencies = append(dependencies, cdx.Dependency{Ref: c.BOMRef})
	}

	bom := cdx.NewBOM()
	// Of the program alone, so that the same program has the same number.
	bom.SerialNumber = uuid.NewSHA1(uuid.NameSpaceURL, sum[:]).URN()
	bom.Metadata = &cdx.Metadata{
		Timestamp: time.Unix(s.sources, 0).UTC().Format(time.RFC3339),
		Component: &program,
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{
			{Type: cdx.ComponentTypeApplication, Name: "teleport-jira/deploy/sbom", Version: s.version},
		}},
		Properties: &[]cdx.Property{},
	}
	for _, setting := range info.Settings {
		if setting.Key == "GOOS" || setting.Key == "GOARCH" || setting.Key == "CGO_ENABLED" {
			*bom.Metadata.Properties = append(*bom.Metadata.Properties,
				cdx.Property{Name: "cdx:gomod:build:env:" + setting.Key, Value: setting.Value})
		}
	}
	bom.Components, bom.Dependencies = &components, &dependencies
	return bom
}

// module is a module as a component. A package URL has paths in lower case, and
// the + of a version escaped.
func module(path, version string) cdx.Component {
	url := "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cdx.Component{
		BOMRef:     url,
		Type:       cdx.ComponentTypeLibrary,
		Name:       path,
		Version:    version,
		Scope:      cdx.ScopeRequired,
		PackageURL: url,
	}
}

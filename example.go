// Package teleportjira holds the example configuration, which stands at the
// root of the repository: go:embed reaches files at or below the directory of
// its package only, and a second copy would have to be kept the same. The
// package may contain nothing else.
package teleportjira

import _ "embed"

// ExampleConfig is teleport-jira.toml.example, byte for byte. It is complete
// and valid once its empty values are filled in.
//
//go:embed teleport-jira.toml.example
var ExampleConfig string

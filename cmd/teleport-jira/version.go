package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Set by the linker: -X main.version=1.0.0 -X main.gitRef=abc1234.
var (
	version string
	gitRef  string
)

// refLength is how much of a commit's hash is shown.
const refLength = 7

// versionLine returns "teleport-jira v<version> git:<ref> go<version>".
func versionLine() string {
	info, _ := debug.ReadBuildInfo()
	return fmt.Sprintf("%s v%s git:%s %s", name, versionOf(version, info), refOf(gitRef, info), runtime.Version())
}

// currentVersion returns the version alone, without the letter v.
func currentVersion() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(version, info)
}

// versionOf returns the linker's version, else that of the module as it was built,
// else 0.0.0.
func versionOf(linked string, info *debug.BuildInfo) string {
	v := linked
	if v == "" && info != nil && strings.HasPrefix(info.Main.Version, "v") {
		v = info.Main.Version
	}
	if v == "" {
		v = "0.0.0"
	}
	return strings.TrimPrefix(v, "v")
}

// refOf returns the linker's commit, else the one that was built, else "unknown".
func refOf(linked string, info *debug.BuildInfo) string {
	if linked != "" {
		return linked
	}
	if info != nil {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= refLength {
				return s.Value[:refLength]
			}
		}
	}
	return "unknown"
}

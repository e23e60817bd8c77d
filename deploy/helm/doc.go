// Package helm tests the Helm chart in this directory against the daemon's own
// configuration loader. It has no code of its own: the chart is
// teleport-plugin-jira, and verify decodes its manifests.
package helm

module teleport-jira/deploy/sbom

go 1.26

require (
	github.com/CycloneDX/cyclonedx-go v0.11.0
	github.com/google/uuid v1.6.0
)

# What brings the daemon to where it runs: packages, image, chart. Part of the
# Makefile. Each tool is built once.

NFPM := $(BUILD)/tools/nfpm
HELM := $(BUILD)/tools/helm

.PHONY: packages release image-files deploy-tools test-deploy

$(NFPM):
	GOBIN='$(abspath $(@D))' CGO_ENABLED=0 go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0

$(HELM):
	GOBIN='$(abspath $(@D))' CGO_ENABLED=0 go install helm.sh/helm/v3/cmd/helm@v3.19.0

packages: $(NFPM) ## build .deb, .rpm and .tar.gz with checksums into dist/
	deploy/packages/build '$(VERSION)' dist

release: $(NFPM) ## the same from a clean commit: make release VERSION=1.2.3
	@[ '$(origin VERSION)' = 'command line' ] || { echo 'say which: make release VERSION=1.2.3'; exit 1; }
	@[ -z "$$(git status --porcelain)" ] || { echo 'commit first: a release is made of a commit'; exit 1; }
	deploy/packages/build '$(VERSION)' 'dist/v$(VERSION)'

image-files: $(BINARY) # what the image's target "static" is made of
	cp /etc/ssl/certs/ca-certificates.crt $(BUILD)/

deploy-tools: $(NFPM) $(HELM)

test-deploy: $(SANDBOX) image-files packages deploy-tools ## try unit, installer, packages, image, chart and rules (root, Debian)
	deploy/test/systemd.sh $(BINARY)
	deploy/test/install.sh $(BINARY)
	deploy/test/packages.sh dist '$(VERSION)'
	deploy/test/image.sh $(SANDBOX)

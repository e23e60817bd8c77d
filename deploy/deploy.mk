# What brings the daemon to where it runs: packages, image, chart. Part of the
# Makefile. Each tool is built once.

NFPM := $(BUILD)/tools/nfpm
HELM := $(BUILD)/tools/helm
VERIFY := $(BUILD)/tools/verify-manifests
SBOM := $(BUILD)/tools/sbom
KUBERNETES := $(BUILD)/tools/kubernetes

.PHONY: packages release image-files deploy-tools test-deploy test-chart kubernetes-tools test-kubernetes test-rules

$(NFPM):
	GOBIN='$(abspath $(@D))' CGO_ENABLED=0 go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0

$(HELM):
	GOBIN='$(abspath $(@D))' CGO_ENABLED=0 go install helm.sh/helm/v3/cmd/helm@v3.19.0

# A module of its own, so that the daemon's has nothing of Kubernetes' API.
$(VERIFY): deploy/helm/verify/main.go deploy/helm/verify/go.mod
	cd deploy/helm/verify && CGO_ENABLED=0 go build -o '$(abspath $@)' .

# Nor anything of the format.
$(SBOM): deploy/sbom/main.go deploy/sbom/go.mod
	cd deploy/sbom && CGO_ENABLED=0 go build -trimpath -o '$(abspath $@)' .

packages: $(NFPM) $(SBOM) ## build .deb, .rpm and .tar.gz with bills of materials and checksums into dist/
	deploy/packages/build '$(VERSION)' dist

release: $(NFPM) $(SBOM) ## the same from a clean commit: make release VERSION=1.2.3
	@[ '$(origin VERSION)' = 'command line' ] || { echo 'say which: make release VERSION=1.2.3'; exit 1; }
	@[ -z "$$(git status --porcelain)" ] || { echo 'commit first: a release is made of a commit'; exit 1; }
	deploy/packages/build '$(VERSION)' 'dist/v$(VERSION)'

image-files: $(BINARY) # what the image's target "static" is made of
	cp /etc/ssl/certs/ca-certificates.crt $(BUILD)/

test-rules: ## check and test the alerts, and check the dashboard's queries
	deploy/test/rules.sh

# What takes long and needs nothing of what the tests made: the tools, and
# compiling for the other architecture.
deploy-tools: $(NFPM) $(SBOM) $(HELM) $(VERIFY)
	CGO_ENABLED=0 GOARCH=arm64 go build -trimpath -buildvcs=false -o /dev/null ./cmd/teleport-jira

test-chart: $(HELM) $(VERIFY) ## lint and render the Helm chart, decode its manifests and configurations
	deploy/test/chart.sh $(HELM) $(VERIFY)

# A module of its own, too. The programs say their release, which Helm asks for.
$(KUBERNETES)/kube-apiserver: deploy/test/kubernetes/go.mod
	cd $(<D) && release=$$(go list -m -f '{{.Version}}' k8s.io/kubernetes) && v=k8s.io/component-base/version && \
		$(STATIC) go build -ldflags "-s -w -X $$v.gitVersion=$$release -X $$v.gitMajor=1 -X $$v.gitMinor=$$(echo $$release | cut -d . -f 2)" \
		-o '$(abspath $(KUBERNETES))/' k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl

kubernetes-tools: $(HELM) $(KUBERNETES)/kube-apiserver

test-kubernetes: kubernetes-tools ## give the chart to a real API server (Debian's etcd-server; minutes to build, the first time)
	deploy/test/kubernetes.sh $(HELM) $(KUBERNETES)

test-deploy: $(SANDBOX) image-files packages deploy-tools ## try the README, unit, installer, packages, release, image, chart and rules (root, Debian)
	deploy/test/systemd.sh $(BINARY)
	deploy/test/install.sh $(BINARY)
	deploy/test/packages.sh dist '$(VERSION)'
	deploy/test/release.sh
	deploy/test/systemd-boot.sh $(SANDBOX) dist '$(VERSION)'
	deploy/test/image.sh $(SANDBOX) $(BUILD)/metrics.txt
	deploy/test/docker.sh $(SANDBOX)
	deploy/test/rules.sh $(BUILD)/metrics.txt
	deploy/test/chart.sh $(HELM) $(VERIFY)
	deploy/test/readme.sh

// Command verify decodes Kubernetes manifests with the types of the Kubernetes
// API, strictly: an unknown or misspelt field, a value of a wrong type and a key
// that is there twice are errors. It reads YAML documents from its standard
// input, as `helm template` prints them, and may do nothing else than decode
// them and write the daemon's configurations that they hold into a directory:
//
//	helm template … | verify [-configs DIRECTORY]
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	yamldocs "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// configKey is the key of the configuration in its ConfigMap.
const configKey = "teleport-jira.toml"

func main() {
	configs := flag.String("configs", "", "`directory` to write the daemon's configurations to")
	flag.Parse()
	kinds, err := verify(os.Stdin, *configs)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(kinds)
}

// verify decodes every document and returns the kinds that it found.
func verify(in io.Reader, configs string) (kinds []string, err error) {
	docs := yamldocs.NewYAMLReader(bufio.NewReader(in))
	var faults []error
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return kinds, errors.Join(faults...)
		}
		if err != nil {
			return nil, fmt.Errorf("read the manifests: %w", err)
		}
		if len(bytes.TrimSpace(withoutComments(doc))) == 0 {
			continue
		}
		kind, err := document(doc, configs)
		if err != nil {
			faults = append(faults, err)
		}
		kinds = append(kinds, kind)
	}
}

// withoutComments is what is left of a document that may be comments alone.
func withoutComments(doc []byte) []byte {
	var out []byte
	for line := range bytes.Lines(doc) {
		if t := bytes.TrimSpace(line); !bytes.HasPrefix(t, []byte("#")) && !bytes.Equal(t, []byte("---")) {
			out = append(out, line...)
		}
	}
	return out
}

// document decodes one document and checks its names.
func document(doc []byte, configs string) (kind string, err error) {
	var head struct {
		meta.TypeMeta   `json:",inline"`
		meta.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(doc, &head); err != nil {
		return "", fmt.Errorf("read a manifest: %w", err)
	}
	id := head.Kind + " " + head.Name
	object, err := typeOf(head.TypeMeta)
	if err != nil {
		return id, err
	}
	if err := yaml.UnmarshalStrict(doc, object); err != nil {
		return id, fmt.Errorf("%s: %w", id, err)
	}
	for _, fault := range validation.IsDNS1123Subdomain(head.Name) {
		return id, fmt.Errorf("%s: %s", id, fault)
	}
	for key, value := range head.Labels {
		for _, fault := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
			return id, fmt.Errorf("%s: label %s=%s: %s", id, key, value, fault)
		}
	}
	if c, ok := object.(*core.ConfigMap); ok && configs != "" && c.Data[configKey] != "" {
		path := filepath.Join(configs, head.Name+".toml")
		return id, os.WriteFile(path, []byte(c.Data[configKey]), 0o600)
	}
	return id, nil
}

// typeOf is an empty object of the type that a document says it is.
func typeOf(t meta.TypeMeta) (any, error) {
	switch t.APIVersion + " " + t.Kind {
	case "v1 ConfigMap":
		return &core.ConfigMap{}, nil
	case "v1 Secret":
		return &core.Secret{}, nil
	case "v1 Service":
		return &core.Service{}, nil
	case "v1 Pod":
		return &core.Pod{}, nil
	case "v1 ServiceAccount":
		return &core.ServiceAccount{}, nil
	case "apps/v1 Deployment":
		return &apps.Deployment{}, nil
	case "policy/v1 PodDisruptionBudget":
		return &policy.PodDisruptionBudget{}, nil
	case "networking.k8s.io/v1 NetworkPolicy":
		return &networking.NetworkPolicy{}, nil
	case "networking.k8s.io/v1 Ingress":
		return &networking.Ingress{}, nil
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return &monitoring.ServiceMonitor{}, nil
	case "monitoring.coreos.com/v1 PrometheusRule":
		return &monitoring.PrometheusRule{}, nil
	}
	return nil, fmt.Errorf("unknown kind %s %s", t.APIVersion, t.Kind)
}

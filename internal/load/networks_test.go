package load

import (
	"encoding/pem"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

const (
	// noticed is how soon a replica knows that a side can't be reached.
	noticed = 15 * time.Second
	// returned is how soon all is in step once it can be: 10 s, and what TCP waits
	// until it sends again what was dropped.
	returned = 15 * time.Second
	// taken is how soon one replica does what another one can't. That one may have
	// sent a create: its answer is waited for, and then for the search index, which
	// might have the issue.
	taken = 3 * time.Minute
)

// side is what a replica may be cut from.
type side string

const (
	jiraSide     side = "jira"
	teleportSide side = "teleport"
)

// link is a replica's own network: a namespace, and a pair of interfaces that ends
// there. It holds nothing but the replica.
type link struct {
	t     *testing.T
	name  string // of the namespace
	host  string // the address of the other end
	own   string // the replica's
	ports map[side]string
}

// run runs a command as root; it fails the test.
func (l *link) run(command string, args ...string) {
	l.t.Helper()
	out, err := exec.CommandContext(l.t.Context(), command, args...).CombinedOutput()
	require.NoError(l.t, err, "%s %s: %s", command, strings.Join(args, " "), out)
}

// inside runs a command in the namespace.
func (l *link) inside(args ...string) {
	l.t.Helper()
	l.run("ip", append([]string{"netns", "exec", l.name}, args...)...)
}

// networks makes a network and takes it away, or says why none can be made here.
func networks() error {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces need root")
	}
	for _, program := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("there is no %s (iproute2, nftables)", program)
		}
	}
	const probe = "tjprobe"
	for _, command := range [][]string{
		{"ip", "netns", "add", probe},
		{"ip", "netns", "exec", probe, "nft", "add", "table", "inet", probe},
		{"ip", "link", "add", probe + "a", "type", "veth", "peer", "name", probe + "b"},
		{"ip", "link", "delete", probe + "a"},
		{"ip", "netns", "delete", probe},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			_ = exec.Command("ip", "netns", "delete", probe).Run()
			return fmt.Errorf("%s: %w: %.200s", strings.Join(command, " "), err, out)
		}
	}
	return nil
}

// newLink makes the network of the replica with the index.
func newLink(t *testing.T, i int) *link {
	t.Helper()
	digest := fnv.New32a()
	_, _ = fmt.Fprint(digest, os.Getpid(), t.Name()) // tests run at the same time
	sum := digest.Sum32()
	tag := fmt.Sprintf("tj%08x-%d", sum, i)
	address := func(n int) string { return fmt.Sprintf("10.%d.%d.%d", 64+(sum>>8)%128, sum%256, 4*i+n) }
	l := &link{t: t, name: tag, host: address(1), own: address(2), ports: map[side]string{}}
	outer, inner := tag+"a", tag+"b"
	l.run("ip", "netns", "add", l.name)
	t.Cleanup(func() {
		_ = exec.Command("ip", "netns", "delete", l.name).Run()
		_ = exec.Command("ip", "link", "delete", outer).Run()
		_ = os.RemoveAll(filepath.Join("/etc/netns", l.name))
	})
	l.run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner)
	l.run("ip", "link", "set", inner, "netns", l.name)
	l.run("ip", "address", "add", l.host+"/30", "dev", outer)
	l.run("ip", "link", "set", outer, "up")
	l.inside("ip", "address", "add", l.own+"/30", "dev", inner)
	l.inside("ip", "link", "set", inner, "up")
	l.inside("ip", "link", "set", "lo", "up")
	// Jira's certificate is for this name.
	require.NoError(t, os.MkdirAll(filepath.Join("/etc/netns", l.name), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join("/etc/netns", l.name, "hosts"), []byte("127.0.0.1 localhost\n"+l.host+" example.com\n"), 0o644))
	l.inside("nft", "add", "table", "inet", "cuts")
	l.inside("nft", "add", "chain", "inet", "cuts", "out", "{ type filter hook output priority 0; }")
	l.inside("nft", "add", "chain", "inet", "cuts", "in", "{ type filter hook input priority 0; }")
	return l
}

// lose drops so many of a hundred packets between the replica and the sides, both
// ways, without a word to either.
func (l *link) lose(percent int, sides ...side) {
	l.t.Helper()
	share := []string{"counter", "drop"}
	if percent < 100 {
		share = []string{"numgen", "random", "mod", "100", "<", strconv.Itoa(percent), "counter", "drop"}
	}
	for _, s := range sides {
		l.inside(append([]string{"nft", "add", "rule", "inet", "cuts", "out", "tcp", "dport", l.ports[s]}, share...)...)
		l.inside(append([]string{"nft", "add", "rule", "inet", "cuts", "in", "tcp", "sport", l.ports[s]}, share...)...)
	}
}

// lost reports whether packets have been dropped since the last heal.
func (l *link) lost() bool {
	l.t.Helper()
	out, err := exec.CommandContext(l.t.Context(), "ip", "netns", "exec", l.name, "nft", "list", "table", "inet", "cuts").Output()
	require.NoError(l.t, err)
	return regexp.MustCompile(`packets [1-9]`).Match(out)
}

// heal lets all packets through.
func (l *link) heal() {
	l.t.Helper()
	l.inside("nft", "flush", "table", "inet", "cuts")
}

// delay delays what the replica sends, where the kernel can.
func (l *link) delay(by string) bool {
	l.t.Helper()
	err := exec.CommandContext(l.t.Context(), "ip", "netns", "exec", l.name, "tc", "qdisc", "replace", "dev", l.name+"b", "root", "netem", "delay", by).Run()
	return err == nil
}

// networked is a world whose replicas each have a network of their own.
func networked(t *testing.T) (*world, []*link) {
	t.Helper()
	w := newWorld(t, func(o *options) { o.replicas, o.poll, o.resync, o.severity = 2, "2s", "15s", "DEBUG" })
	var links []*link
	for i, r := range w.replicas {
		l := newLink(t, i)
		w.connect(r, l)
		links = append(links, l)
	}
	for _, r := range w.replicas {
		r.start()
	}
	return w, links
}

// connect makes the link the replica's way to both sides.
func (w *world) connect(r *replica, l *link) {
	w.t.Helper()
	auth, err := faketeleport.Serve(w.cluster.Cluster, net.JoinHostPort(l.host, "0"))
	require.NoError(w.t, err)
	w.t.Cleanup(auth.Stop)
	listener, err := net.Listen("tcp", net.JoinHostPort(l.host, "0"))
	require.NoError(w.t, err)
	site := httptest.NewUnstartedServer(http.Handler(w.jira.Server))
	require.NoError(w.t, site.Listener.Close())
	site.Listener = listener
	site.StartTLS()
	w.t.Cleanup(func() {
		site.CloseClientConnections()
		site.Close()
	})
	caFile := r.daemon.ConfigPath + ".ca"
	require.NoError(w.t, os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600))
	_, jiraPort, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(w.t, err)
	_, authPort, err := net.SplitHostPort(auth.Addr())
	require.NoError(w.t, err)
	l.ports[jiraSide], l.ports[teleportSide] = jiraPort, authPort
	r.daemon.AdminAddr = net.JoinHostPort(l.own, "8082")
	r.daemon.Argv = []string{"ip", "netns", "exec", l.name, binary}
	r.conf.Set("teleport", "auth_server", auth.Addr())
	r.conf.Set("jira", "url", "https://example.com:"+jiraPort)
	r.conf.Set("jira", "ca_file", caFile)
	r.conf.Set("http", "enabled", false)
	r.conf.Set("telemetry", "listen_addr", r.daemon.AdminAddr)
	require.NoError(w.t, r.conf.Write(r.daemon.ConfigPath))
}

// says reports whether the replica's readiness names the side.
func (r *replica) says(s side) bool {
	_, body, err := r.daemon.Admin("/readyz")
	return err == nil && strings.Contains(body, string(s)+": ")
}

// drags makes requests and waits for their issues, and drags each card.
func (w *world) drags(n int, limit time.Duration) []string {
	w.t.Helper()
	ids := make([]string, 0, n)
	for range n {
		ids = append(ids, w.request(faketeleport.RequestOptions{}))
	}
	for _, id := range ids {
		w.await(limit, often, "an issue", func() bool { return len(w.issues()[id]) == 1 })
		require.NoError(w.t, w.jira.Drag(w.issues()[id][0].ID, "Approved", fakejira.BobID))
	}
	return ids
}

// decided waits until all requests are approved, each by one review, and in step.
func (w *world) decided(ids []string, limit time.Duration) {
	w.t.Helper()
	var faults []string
	defer func() {
		if w.t.Failed() {
			w.t.Log(faults)
		}
	}()
	w.await(limit, seldom, "all that was dragged decided, and in step", func() bool {
		if faults = w.broken(ids); len(faults) > 0 {
			return false
		}
		for _, id := range ids {
			req, err := w.cluster.Request(id)
			if err != nil || req.GetState() != types.RequestState_APPROVED || len(req.GetReviews()) != 1 {
				faults = []string{"not approved by one review: " + id}
				return false
			}
		}
		return true
	})
}

// TestFaultsOfNetworks cuts replicas from one side or both, without a word to
// anybody, and loses and delays packets between them.
func TestFaultsOfNetworks(t *testing.T) {
	wanted(t, envFaults, "make test-faults")
	if err := networks(); err != nil {
		t.Skipf("no network of a replica's own can be made here: %v", err)
	}
	for name, sides := range map[string][]side{
		"jira": {jiraSide}, "teleport": {teleportSide}, "both": {jiraSide, teleportSide},
	} {
		t.Run("one cut from "+name, func(t *testing.T) {
			t.Parallel()
			w, links := networked(t)
			all := w.drags(5, patience)
			w.decided(all, patience)
			links[0].lose(100, sides...)
			for _, s := range sides {
				w.await(noticed, seldom, "readiness that names "+string(s), func() bool { return w.replicas[0].says(s) })
			}
			during := w.drags(5, taken)
			w.decided(during, taken)
			links[0].heal()
			w.await(returned, seldom, "a replica that is ready again", w.replicas[0].ready)
			all = append(append(all, during...), w.drags(3, returned)...)
			w.decided(all, patience)
		})
		t.Run("all cut from "+name, func(t *testing.T) {
			t.Parallel()
			w, links := networked(t)
			all := w.drags(5, patience)
			w.decided(all, patience)
			before := w.request(faketeleport.RequestOptions{})
			w.await(patience, often, "an issue", func() bool { return len(w.issues()[before]) == 1 })
			for _, l := range links {
				l.lose(100, sides...)
			}
			for _, r := range w.replicas {
				w.await(noticed, seldom, "readiness that names "+string(sides[0]), func() bool { return r.says(sides[0]) })
			}
			require.NoError(t, w.jira.Drag(w.issues()[before][0].ID, "Approved", fakejira.BobID))
			during := w.request(faketeleport.RequestOptions{})
			<-time.After(20 * time.Second)
			for _, l := range links {
				l.heal()
			}
			w.await(returned, seldom, "the issue of a request that was made meanwhile", func() bool { return len(w.issues()[during]) == 1 })
			w.decided([]string{before}, returned)
			require.NoError(t, w.jira.Drag(w.issues()[during][0].ID, "Approved", fakejira.BobID))
			w.decided(append(all, before, during), patience)
		})
	}
	t.Run("packets lost and delayed", func(t *testing.T) {
		t.Parallel()
		w, links := networked(t)
		for _, l := range links {
			if !l.delay("150ms") {
				t.Log("this kernel delays no packets (no netem): they are only lost, which delays what they carry")
			}
			l.lose(15, jiraSide, teleportSide)
		}
		all := w.drags(10, 2*time.Minute)
		w.decided(all, 2*time.Minute)
		for _, l := range links {
			require.True(t, l.lost())
			l.heal()
		}
		w.decided(append(all, w.drags(3, returned)...), patience)
	})
}

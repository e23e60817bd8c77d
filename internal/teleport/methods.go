package teleport

import (
	"fmt"
	"time"
)

// method is a call to the Auth Service: its name in metrics, what it does in
// errors, whether it may have an effect, whether it answers many things, and
// the right that it takes where one rule says it.
type method struct {
	name  string
	op    string
	write bool
	list  bool
	needs need
}

// need is what a role's allow.rules must hold.
type need struct{ kind, verbs string }

func needPluginData() need { return need{"access_plugin_data", "list, read, update"} }
func needRequests() need   { return need{"access_request", "list, read"} }
func needUsers() need      { return need{"user", "list, read"} }

// String says what to do about one that is missing.
func (n need) String() string {
	return fmt.Sprintf("add to a role of the daemon allow.rules: [{resources: [%s], verbs: [%s]}]", n.kind, n.verbs)
}

// timeout bounds the call.
func (m method) timeout() time.Duration {
	if m.list {
		return listTimeout
	}
	return callTimeout
}

func methodPing() method  { return method{name: "ping", op: "ping cluster"} }
func methodRoles() method { return method{name: "own_roles", op: "read own roles"} }
func methodGetRequest() method {
	return method{name: "get_request", op: "read request", needs: needRequests()}
}

func methodListRequest() method {
	return method{name: "list_requests", op: "list requests", list: true, needs: needRequests()}
}

func methodGetData() method {
	return method{name: "get_plugin_data", op: "read record", needs: needPluginData()}
}
func methodNames() method { return method{name: "resource_names", op: "read resource names"} }
func methodListUsers() method {
	return method{name: "list_users", op: "list users", list: true, needs: needUsers()}
}

func methodWatch() method { return method{name: "watch", op: "watch requests", needs: needRequests()} }

func methodSwapData() method {
	return method{name: "update_plugin_data", op: "update record", write: true, needs: needPluginData()}
}

func methodReview() method {
	return method{name: "submit_review", op: "submit review of request", write: true}
}

func methodSetState() method {
	return method{name: "set_state", op: "set state of request", write: true}
}

// methods lists them all, for the metrics.
func methods() []method {
	return []method{
		methodPing(), methodRoles(), methodGetRequest(), methodListRequest(), methodGetData(), methodNames(),
		methodListUsers(), methodWatch(), methodSwapData(), methodReview(), methodSetState(),
	}
}

package teleport

import "time"

// method is a call to the Auth Service: its name in metrics, what it does in
// errors, whether it may have an effect, and whether it answers many things.
type method struct {
	name  string
	op    string
	write bool
	list  bool
}

// timeout bounds the call.
func (m method) timeout() time.Duration {
	if m.list {
		return listTimeout
	}
	return callTimeout
}

func methodPing() method       { return method{name: "ping", op: "ping cluster"} }
func methodRoles() method      { return method{name: "own_roles", op: "read own roles"} }
func methodGetRequest() method { return method{name: "get_request", op: "read request"} }
func methodListRequest() method {
	return method{name: "list_requests", op: "list requests", list: true}
}
func methodGetData() method   { return method{name: "get_plugin_data", op: "read record"} }
func methodNames() method     { return method{name: "resource_names", op: "read resource names"} }
func methodListUsers() method { return method{name: "list_users", op: "list users", list: true} }
func methodWatch() method     { return method{name: "watch", op: "watch requests"} }

func methodSwapData() method {
	return method{name: "update_plugin_data", op: "update record", write: true}
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

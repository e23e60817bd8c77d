// Package load runs the built daemon against the doubles over real sockets,
// longer and harder than the end-to-end tests: the benchmark (make bench), the
// faults (make test-faults) and the soak (make soak). Each is skipped unless
// its variable is set, since it takes minutes. It has tests only.
package load

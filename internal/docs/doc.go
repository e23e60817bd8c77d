// Package docs holds the documents in docs/ against the code: what the code
// has is documented, what the documents name is in the code, and the parts that
// follow from the code are made from it. It is all tests; `make docs` writes
// what can be made. It may not be imported.
package docs

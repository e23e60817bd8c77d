// Package reconcile brings requests and issues in step: a queue of request
// ids, workers that read the truth on both sides, plan what is missing, apply
// it and note it, and the resync and poll that find what no doorbell told.
//
// It decides nothing: rules live in package plan. It knows both sides through
// the interfaces in this package only.
package reconcile

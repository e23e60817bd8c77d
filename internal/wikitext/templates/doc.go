// Package templates is what an operator's templates of issues may use, and how
// they are tried and run. The configuration tries them, with file and line at
// hand, and package jira runs them.
//
// It may not do I/O, and knows neither the configuration nor Jira's API.
package templates

// Package wikitext makes text inert in Jira's wiki markup, which the REST API's
// version 2 applies to descriptions and comments on Cloud and Data Center.
//
// It knows nothing of issues or requests and does no I/O. It only escapes: it
// offers no way to produce markup from foreign text.
//
// Two parsers have to agree that the result is inert: Jira's renderer and
// pandoc's independent reader. Where they differ:
//
//   - Jira takes a backslash before - # * _ + ? ^ ~ | % { } [ ] ( ) ! @ for an
//     escape, unless another backslash precedes it; pandoc before any
//     punctuation, which excludes + ^ ~ and |. Backslashes are used where both
//     agree.
//   - Where they do not, a named character reference is used (Jira passes
//     references through to the browser, pandoc decodes named ones).
//   - The tilde that could open a subscript is the one character that no
//     writing brings through both exactly. HTML has no named reference for it
//     (&tilde; is U+02DC), pandoc decodes no numeric one, opens the subscript
//     after a backslash and after a character of no width all the same, and a
//     closing tilde may come from another value on the line. It becomes
//     &#126;, which Jira shows as a tilde; pandoc shows the reference itself and
//     is inert all the same.
//
// Issue keys such as ABC-1 are linked by Jira wherever they stand; there is no
// markup to prevent it, and they lead nowhere but to that issue.
package wikitext

// Command words keeps words that the glossary of docs/architecture.md has
// replaced out of the names that Go files declare, and out of the files' names.
// Two words for one thing cost each reader the time to find out that they are
// one.
//
//	go run ./scripts/words cmd internal
package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"
)

func main() {
	n, err := check(os.Stdout, os.DirFS("."), os.Args[1:])
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(2)
	case n > 0:
		fmt.Fprintf(os.Stderr, "words: %d names; the glossary is in docs/architecture.md\n", n)
		os.Exit(1)
	}
}

// check writes a line for each name below the roots that has a dropped word, and
// returns how many there are.
func check(out io.Writer, tree fs.FS, roots []string) (int, error) {
	dropped, n := droppedWords(), 0
	if len(roots) == 0 {
		return 0, errors.New("no folders are named, nothing would be checked")
	}
	report := func(where, name string) {
		for _, d := range dropped {
			if d.isIn(name) && !d.permits(name) {
				fmt.Fprintf(out, "%s: %s: in place of %q write %s\n", where, name, d.word, d.instead)
				n++
				return
			}
		}
	}
	for _, root := range roots {
		err := fs.WalkDir(tree, root, func(file string, _ fs.DirEntry, err error) error {
			if err != nil || path.Ext(file) != ".go" {
				return err
			}
			base, _, _ := strings.Cut(path.Base(file), ".")
			report(file, base)
			source, err := fs.ReadFile(tree, file)
			if err != nil {
				return err
			}
			files := token.NewFileSet()
			parsed, err := parser.ParseFile(files, file, source, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, id := range declared(parsed) {
				report(files.Position(id.Pos()).String(), id.Name)
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// declared are the names that a file gives to things.
func declared(file *ast.File) []*ast.Ident {
	names := []*ast.Ident{file.Name}
	add := func(list ...ast.Expr) {
		for _, e := range list {
			if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
				names = append(names, id)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncDecl:
			add(x.Name)
		case *ast.TypeSpec:
			add(x.Name)
		case *ast.Field:
			names = append(names, x.Names...)
		case *ast.ValueSpec:
			names = append(names, x.Names...)
		case *ast.LabeledStmt:
			add(x.Label)
		case *ast.AssignStmt:
			if x.Tok == token.DEFINE {
				add(x.Lhs...)
			}
		case *ast.RangeStmt:
			if x.Tok == token.DEFINE {
				add(x.Key, x.Value)
			}
		}
		return true
	})
	return names
}

// dropped is a word, or several as one name has them, that another has replaced.
type dropped struct {
	word    string // "left over" is in leftOver and left_over
	instead string
	english bool     // may stand in the names of tests
	allowed []string // names in which it means something else
}

// isIn reports whether the words stand next to each other in a name, the last
// one in singular or plural.
func (d dropped) isIn(name string) bool {
	have, want := split(name), strings.Fields(d.word)
	for i := range len(have) - len(want) + 1 {
		last := i + len(want) - 1
		if slices.Equal(have[i:last], want[:len(want)-1]) &&
			slices.Contains([]string{want[len(want)-1], want[len(want)-1] + "s"}, have[last]) {
			return true
		}
	}
	return false
}

// permits reports whether a name may have the word all the same.
func (d dropped) permits(name string) bool {
	return slices.Contains(d.allowed, name) || d.english && strings.HasPrefix(name, "Test")
}

// split takes a name apart: "madeForID" is made, for, id.
func split(name string) []string {
	var words []string
	runes := []rune(name)
	begin := 0
	for i := range runes {
		next := i + 1
		end := next == len(runes) || runes[next] == '_' || runes[i] == '_' ||
			unicode.IsUpper(runes[next]) && !unicode.IsUpper(runes[i]) ||
			next+1 < len(runes) && unicode.IsUpper(runes[i]) && unicode.IsUpper(runes[next]) && unicode.IsLower(runes[next+1])
		if end {
			if word := strings.Trim(string(runes[begin:next]), "_"); word != "" {
				words = append(words, strings.ToLower(word))
			}
			begin = next
		}
	}
	return words
}

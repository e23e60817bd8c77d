package teleport

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/encoding/protowire"

	"teleport-jira/internal/access"
)

// Bounds of texts passed to the cluster, in bytes.
const (
	// maxReason is the server's limit of a reason. It refuses longer ones, and
	// the request would stay pending.
	maxReason = 4096
	// maxName bounds an issue's key within a reason, and each part of a person's
	// name: more than what Jira allows.
	maxName = 400
)

// Decide submits a person's decision in the mode in use. It does not check
// whether the person may decide: the caller has authorized the decision. Every
// final answer is an Outcome, a missing role included; an error means that
// a retry may help. After an Ambiguous error a repeated Decide finds the effect
// of the first one by the decision's token.
func (c *Client) Decide(ctx context.Context, d access.Decision) (access.Outcome, error) {
	state, ok := proposedState(d.State)
	if !ok {
		return access.Outcome{}, &access.Error{
			Op: "decide request", Key: string(d.RequestID), Class: access.Permanent,
			Err: fmt.Errorf("%q is neither an approval nor a denial", d.State),
		}
	}
	before := c.cluster.Load()
	out, err := c.submit(ctx, d, state)
	if err != nil || out.Result != access.NotAllowed {
		return out, err
	}
	// The role may have been edited since the rights were read: settle the mode by
	// what it allows now, and try once more if that is something else.
	if now, err := c.reinspect(ctx); err != nil || now.own == before.own && now.mode == before.mode {
		return out, nil //nolint:nilerr // the refusal stands
	}
	c.log.Info("rights of the daemon's roles have changed, decision submitted once more",
		"request_id", d.RequestID, "issue_key", d.Issue.Key)
	return c.submit(ctx, d, state)
}

// reinspect reads the cluster and the rights of the daemon's roles again.
func (c *Client) reinspect(ctx context.Context) (*cluster, error) {
	conn, err := c.acquire()
	if err != nil {
		return nil, err
	}
	defer conn.release()
	if err := c.inspect(ctx, conn); err != nil {
		return nil, err
	}
	return c.cluster.Load(), nil
}

// submit passes the decision on in the mode in use.
func (c *Client) submit(ctx context.Context, d access.Decision, state types.RequestState) (access.Outcome, error) {
	mode, _ := c.ReviewMode()
	user := c.user()
	if d.Automatic != "" {
		mode = access.ModeReview // no person whose name, or whose word in place of thresholds, it could be
	}
	switch mode {
	case access.ModeOnBehalf:
		return c.reviewOnBehalf(ctx, d, state, user)
	case access.ModeState:
		return c.setState(ctx, d, state, user)
	case access.ModeReview, access.ModeAuto:
	}
	review := types.AccessReview{Author: user, ProposedState: state, Reason: decisionReason(d)}
	return c.review(ctx, d, access.Outcome{Mode: access.ModeReview, Reviewer: user}, review)
}

// reviewOnBehalf submits the review with the mapped Teleport user as its
// author. A person without one is refused: no other author takes their place.
func (c *Client) reviewOnBehalf(
	ctx context.Context, d access.Decision, state types.RequestState, user string,
) (access.Outcome, error) {
	out := access.Outcome{Mode: access.ModeOnBehalf, Reviewer: d.Author}
	if d.Author == "" {
		out.Result = access.NotAllowed
		out.Detail = fmt.Sprintf("no Teleport user is known for %s, and reviews are submitted in the person's own name",
			d.By.Handle())
		return out, nil
	}
	review := types.AccessReview{
		Author: d.Author, ProposedState: state, Reason: decisionReason(d),
		XXX_unrecognized: onBehalfFields(user),
	}
	return c.review(ctx, d, out, review)
}

// review submits a review and converts the answer.
func (c *Client) review(
	ctx context.Context, d access.Decision, out access.Outcome, review types.AccessReview,
) (access.Outcome, error) {
	after, err := call(ctx, c, methodReview(), string(d.RequestID),
		func(ctx context.Context, a api) (types.AccessRequest, error) {
			return a.SubmitAccessReview(ctx, types.AccessReviewSubmission{
				RequestID: string(d.RequestID), Review: review,
			})
		})
	if err != nil {
		return c.refusalOutcome(ctx, d, out, err)
	}
	out.Result = access.Submitted
	if req, err := convertRequest(after); err == nil {
		out.Request = req
	}
	return out, nil
}

// setState sets the request's state. The server lets a denial overwrite an
// approval, so that a settled request is refused here first.
func (c *Client) setState(
	ctx context.Context, d access.Decision, state types.RequestState, user string,
) (access.Outcome, error) {
	out := access.Outcome{Mode: access.ModeState, Reviewer: user}
	before, err := c.Request(ctx, d.RequestID)
	if errors.Is(err, access.ErrNotFound) {
		return deletedOutcome(out), nil
	}
	if err != nil {
		return access.Outcome{}, err
	}
	if before.State.Settled() {
		return settledOutcome(d, out, before), nil
	}
	if needed := votesNeeded(before, d.State); needed > 1 && c.bypassesReviews(*c.cluster.Load()) {
		out.Result = access.NotAllowed
		out.Detail = fmt.Sprintf("the request asks for %d people who agree, and setting its state would settle it for one: %s", needed, bypassFix)
		return out, nil
	}
	_, err = call(ctx, c, methodSetState(), string(d.RequestID), func(ctx context.Context, a api) (struct{}, error) {
		return struct{}{}, a.SetAccessRequestState(utils.WithDelegator(ctx, delegator(d.By)),
			types.AccessRequestUpdate{RequestID: string(d.RequestID), State: state, Reason: decisionReason(d)})
	})
	if err != nil {
		return c.refusalOutcome(ctx, d, out, err)
	}
	out.Result = access.Submitted
	out.Request = c.requestAfter(ctx, d)
	return out, nil
}

// votesNeeded returns the most reviews that one of the request's thresholds asks
// for before it is in the state. Which threshold applies is the server's to
// say, so that the strictest one counts.
func votesNeeded(req *access.Request, state access.State) int {
	needed := 0
	for _, t := range req.Thresholds {
		if state == access.Denied {
			needed = max(needed, t.Deny)
		} else {
			needed = max(needed, t.Approve)
		}
	}
	return needed
}

// refusalOutcome converts a final refusal to an Outcome and returns other
// errors.
func (c *Client) refusalOutcome(
	ctx context.Context, d access.Decision, out access.Outcome, err error,
) (access.Outcome, error) {
	switch {
	case errors.Is(err, access.ErrNotFound):
		return deletedOutcome(out), nil
	case trace.IsAccessDenied(err), trace.IsBadParameter(err):
	default:
		return access.Outcome{}, err
	}
	out.Detail = serverMessage(err)
	if strings.Contains(out.Detail, "requires MFA verification") {
		out.Detail += ". " + mfaFix
		out.Result = access.NotAllowed
		return out, nil
	}
	if out.Mode == access.ModeState {
		return c.stateRefused(ctx, d, out, trace.IsAccessDenied(err)), nil
	}
	// The server distinguishes these by text only.
	switch text := strings.ToLower(out.Detail); {
	case strings.Contains(text, "already reviewed"), strings.Contains(text, "already been"),
		strings.Contains(text, "been already"):
		return c.alreadyDecided(ctx, d, out, text), nil
	case strings.Contains(text, "cannot submit reviews on behalf of"):
		out.Detail += ". " + c.missingRule(access.ModeOnBehalf)
	case lacksReviewRole(text) && out.Mode == access.ModeOnBehalf:
		out.Detail += fmt.Sprintf(". A role of %q needs allow.review_requests for the requested roles, and nobody can review their own request", d.Author)
	case lacksReviewRole(text):
		out.Detail += ". " + c.missingRule(out.Mode)
	}
	out.Result = access.NotAllowed
	return out, nil
}

// mfaFix is what to do on clusters that ask for a second factor for
// administrative actions: they take reviews and states from identities of bots
// and from those signed on the Auth Service's host, without one.
const mfaFix = "The cluster asks for a second factor for this. An identity that a person signed remotely has none: " +
	"let tbot renew the identity, or sign it on the Auth Service's host"

// lacksReviewRole reports whether Teleport's message says that no role of the
// reviewer allows the review: of any request, or of this one.
func lacksReviewRole(text string) bool {
	return strings.Contains(text, "cannot submit reviews") || strings.Contains(text, "cannot review request")
}

// stateRefused distinguishes a request that was settled in the meantime from
// a missing right.
func (c *Client) stateRefused(ctx context.Context, d access.Decision, out access.Outcome, accessDenied bool) access.Outcome {
	if req := c.requestAfter(ctx, d); req != nil && req.State.Settled() {
		return settledOutcome(d, out, req)
	}
	if accessDenied {
		out.Detail += ". " + c.missingRule(access.ModeState)
	}
	out.Result = access.NotAllowed
	return out
}

// alreadyDecided distinguishes an earlier attempt of the same decision, another
// review by the same user, and a request that is settled.
func (c *Client) alreadyDecided(ctx context.Context, d access.Decision, out access.Outcome, text string) access.Outcome {
	out.Request = c.requestAfter(ctx, d)
	switch {
	case out.Request != nil && submittedBefore(d, out):
		out.Result, out.Detail = access.Submitted, ""
	case strings.Contains(text, "already reviewed"):
		out.Result = access.AlreadyReviewed
	default:
		out.Result = access.AlreadySettled
	}
	return out
}

// settledOutcome is for a request that was settled before the decision.
func settledOutcome(d access.Decision, out access.Outcome, req *access.Request) access.Outcome {
	out.Request = req
	if submittedBefore(d, out) {
		out.Result, out.Detail = access.Submitted, ""
		return out
	}
	out.Result = access.AlreadySettled
	out.Detail = "the request is already " + string(req.State)
	return out
}

func deletedOutcome(out access.Outcome) access.Outcome {
	out.Result, out.Detail = access.AlreadySettled, "the request was deleted or has expired"
	return out
}

// submittedBefore reports whether out.Request has this very decision: an
// earlier attempt whose answer was lost.
func submittedBefore(d access.Decision, out access.Outcome) bool {
	req := out.Request
	for _, review := range req.Reviews {
		if review.Author == out.Reviewer && review.State == d.State && strings.HasSuffix(review.Reason, d.Token()) {
			return true
		}
	}
	return out.Mode == access.ModeState && req.State == d.State && strings.HasSuffix(req.ResolveReason, d.Token())
}

// requestAfter reads the request after its decision was answered; nil when that
// fails, which does not change the answer.
func (c *Client) requestAfter(ctx context.Context, d access.Decision) *access.Request {
	req, err := c.Request(ctx, d.RequestID)
	if err != nil {
		c.log.Debug("request not read after its decision",
			"request_id", d.RequestID, "issue_key", d.Issue.Key, "error", err)
		return nil
	}
	return req
}

// missingRule names the rule to add for the mode. Where state mode was chosen
// because the right to review is missing, that right would do as well.
func (c *Client) missingRule(mode access.ReviewMode) string {
	user := c.user()
	if mode == access.ModeState && c.cfg.ReviewMode == access.ModeAuto && c.cluster.Load().advanced {
		return fmt.Sprintf("A role of %q needs allow.review_requests.roles with the requested roles, such as ['*'], "+
			"or allow.rules: [{resources: [access_request], verbs: [update]}]", user)
	}
	switch mode {
	case access.ModeOnBehalf:
		return fmt.Sprintf("A role of %q needs allow.review_requests.submit_for_users: ['*'], on a cluster that knows it", user)
	case access.ModeState:
		return fmt.Sprintf("A role of %q needs allow.rules: [{resources: [access_request], verbs: [update]}]", user)
	case access.ModeReview, access.ModeAuto:
	}
	return fmt.Sprintf("A role of %q needs allow.review_requests.roles with the requested roles, such as ['*']", user)
}

// Fields of AccessReview that this version of the client does not know.
const (
	fieldSubmittedBy protowire.Number = 11 // string: the user who submitted it
	fieldOnBehalf    protowire.Number = 12 // bool: the author is somebody else
)

// onBehalfFields encodes that submitter submits the review for its author, to
// be sent as unknown fields of the message.
func onBehalfFields(submitter string) []byte {
	b := protowire.AppendTag(nil, fieldSubmittedBy, protowire.BytesType)
	b = protowire.AppendString(b, submitter)
	b = protowire.AppendTag(b, fieldOnBehalf, protowire.VarintType)
	return protowire.AppendVarint(b, 1)
}

// decisionReason is the reason that the cluster keeps: the person's own words,
// who decided and where, and at the end the token by which it is found again.
// Where that exceeds maxReason, the person's words are cut.
func decisionReason(d access.Decision) string {
	who := d.By.String()
	if d.Automatic != "" {
		who = access.CleanLine(d.Automatic)
	}
	if id := access.CleanLine(d.By.ID); id != "" && id != d.By.Handle() {
		who += ", account " + id
	}
	who = truncate(who, 2*maxName)
	d.Issue.Key = truncate(access.CleanLine(d.Issue.Key), maxName)
	const anything = "x"
	around := len(d.ReasonAs(anything, who)) - len(anything)
	return d.ReasonAs(truncate(strings.TrimSpace(access.Clean(d.Reason)), maxReason-around), who)
}

// delegator names the person to the cluster's audit log. It travels as a header,
// which holds printable ASCII only: other characters are written as escapes.
func delegator(who access.Actor) string {
	quoted := strconv.QuoteToASCII(truncate(who.Account(), 2*maxName))
	return "jira:" + strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// dialReason returns the one error that says why no way to the cluster works.
// The client tries an address as each kind of service at once and returns all
// errors in the order in which they came; most of them say only that the address
// is another kind of service.
func dialReason(err error, at service) error {
	var all trace.Aggregate
	if !errors.As(err, &all) {
		return err
	}
	best, rank := err, math.MaxInt
	for _, one := range all.Errors() {
		if r := rankReason(one.Error(), at); r < rank {
			best, rank = one, r
		}
	}
	return best
}

// rankReason orders errors by how early in the connection they arise, most
// telling first: the network, the server's certificate, SSH, HTTP. Last are
// those of a way that is none for the service that answers.
func rankReason(text string, at service) int {
	contains := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	const otherWay = 10
	rank := 5
	switch {
	case contains("no such host", "connection refused", "network is unreachable", "no route to host"):
		rank = 0
	case contains("x509: ", "tls: failed to verify"):
		rank = 1
	case certificateRefused(errors.New(text)):
		rank = 2
	case contains("failed to switch Protocols", "connection upgrade"):
		rank = 3
	case contains("invalid character", "EOF"):
		rank = 4
	case contains("TLS routing is not enabled", "context canceled"):
		rank = otherWay
	}
	asAuth := contains("as an auth server")
	if at == proxyService && (asAuth || contains("as a reverse tunnel proxy")) || at == authService && !asAuth {
		rank += otherWay
	}
	return rank
}

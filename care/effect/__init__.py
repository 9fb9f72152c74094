"""Did it work? Three ways to compare children with and without help, each with its assumptions and an interval.

    line       children just listed and just not listed, around each school's capacity line
    stepped    schools that had started and schools that had not yet, by a schedule drawn by lot
    matched    children contacted and children as likely to leave who were not; cannot tell help from choice
    helped     which rows of the training panel are of children somebody helped, and the model judged without them

Each design is a function from a tidy frame to one `estimate.Estimate`; `gather` makes the frames from runs, register
and contacts. "cannot tell yet" is a normal answer. Why these designs: docs/decisions/0015-effect.md.
"""

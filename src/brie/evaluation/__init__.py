"""An evaluation: what was asked, its sealed plan, the work that is missing, and what came of it.

Its modules in the order of the flow, each a stage or what a stage is made of.

What is to be done, before anything is sampled or asked:

    request        from names a person typed to what is evaluated, every default resolved
    choice         who judges where nobody is named
    asked_sampling how both sides are sampled
    sides          the two models, here or behind a server, and where their answers come from
    given          sides that are files of answers: their prompts, samples and texts
    matched        which entry of such a file belongs to which prompt
    side_prompts   sides with a prompt of their own: what such a reference names, and its words
    known_pairs    pairs whose better answer is known, and what a judge's numbers on them say
    controls       answers damaged on purpose, which any judge should tell
    plan           the plan: prompts, pins, panel, seeds and assignment, ready to be sealed
    criteria       in which order which judge reads its rubric's criteria
    side_keys      the keys of one side's answers, and the requests that make them
    planned        the plan's verdicts as columns, for what is counted over all of them
    planner        from a plan to these columns
    work           everything a plan needs, by key
    missing        what of it is left to be asked for
    request_sizes  how large the requests for that are
    manifest       the seal, and the chain of what is added to it later
    dry_run        what an evaluation would be, cost and be able to tell
    listing        evaluations newest first, and the references @1, @2
    soundness      refuses a plan whose seal is broken, or that contradicts itself
    folders        evaluations on disk, found again by seal, id or name

Doing it, which can be stopped anywhere and goes on with what is missing:

    run            the whole flow, from the plan to the report
    destinations   which servers receive prompts: named, and agreed to
    budget         what judging may cost: priced, agreed to, capped
    anchors        verdicts of a judge that are sealed, to tell later whether it has changed
    anchor_rounds  asking them again, and counting what came out otherwise
    drift          judges whose anchors are old are asked those first; what an alarm does
    drift_notes    what an evaluation knows of its judges' changes, and what it then refuses
    benchmarks     lm-eval's tasks: the rows a plan needs of them, and running what is missing
    benchmark_plan what they would be, and about how long they take
    generating     the answers that are missing
    judging        the verdicts that are missing, and judges that were stopped
    extend         more judges, or the same again, after the seal
    shares         what workers would do of what is missing, before any of it is done

What people and files add:

    votes          who may vote on what, in which order
    ask_people     the prompts drawn at random for people, so that their votes can decide
    cast           votes cast elsewhere and their voters join an evaluation
    vote_file      votes from a CSV file
    ballot_file    a ballot to be sent, and the votes that come back
    added_votes    such votes added, and the report built again

What came of it, read from the store and computed:

    rows           one row a planned verdict
    columns        the rows as columns, for what is counted over all of them
    answers        the same of its answers: each text is looked at once, for numbers and checks
    planned_rows   rows that are kept as columns only, of plans of a million verdicts
    gather         the rows of an evaluation, up to where it stopped
    margins        judges that give numbers: one outcome a comparison, and whether they may count
    table          rows as the arrays of the analysis
    generated      what the answers of each side are like
    training_data  what the candidate was trained on, and what the suite shares with it
    pairs_data     the same of preference pairs, whose prompts are spent and whose judges taught
    context        models and training data as they are here, for the checks
    looks          what an analysis read, so that looks can be counted
    code_checks    Python of the suite, run with consent, and what it said
    accuracy       which answers are right, where prompts say what is
    benchmarked    from results by document to the differences of tasks
    people         what voters preferred, and how far they and the judges agree
    anchor         what people's votes on the drawn prompts make of the win rate
    measured       what those votes say of each judge, and of all together
    assemble       all numbers of an evaluation, with its checks
    verdict_blocks all verdicts in the order of a table
    views          comparisons with their verdicts, for people to read
    published      the line to publish of it, after sealing and after a report
    again          answers made once more, to be compared with the stored ones
    settled        the rows as they are now, beside those the numbers of record were made from
    results        the numbers of record and the report, written

Several evaluations of the same two models, sealed together:

    suites         which suites belong together, and their folder
    suites_numbers the table over them
    suites_run     all of them sealed, judged, and the table written
"""

"""Statements in Redshift's words, through the command and the API."""


def test_statements_in_redshifts_words_are_answered_and_mistakes_have_their_place(project):
    project.start()
    assert project.sql("SELECT TOP 2 nvl(NULL, i), datediff(day, '2026-01-01', dateadd(week, i::int, '2026-01-01')) FROM range(5) r(i) ORDER BY 1 DESC") == [[4, 28], [3, 21]]
    assert project.weir("sql", "--format", "csv", "SELECT decode(1, 1, 'one', 'more') AS n MINUS SELECT 'x'").split() == ["n", "one"]
    reply = project.post("/v1/sql", {"sql": "SELECT isnull(1, 2),\n  nosuch"}, headers=project.admin())
    assert reply.status == 400 and (reply.json["error"]["position"]["line"], reply.json["error"]["position"]["column"]) == (2, 3), reply
    project.weir("sql", "SELECT dateadd(fortnight, 1, getdate())", code=2)
    assert "sql:1:16" in project.stderr and "\"fortnight\" is no part of a date" in project.stderr, project.stderr

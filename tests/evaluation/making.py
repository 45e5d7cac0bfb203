"""Tiny files in the shapes that `bench` reads, of our own writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LOCOMO: list[dict[str, Any]] = [
    {
        "sample_id": "talk-1",
        "conversation": {
            "speaker_a": "Ada",
            "speaker_b": "Ben",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ada", "dia_id": "D1:1", "text": "I bought a kite."},
                {"speaker": "Ben", "dia_id": "D1:2", "text": "Look!", "blip_caption": "a red barn"},
                {"speaker": "Ben", "dia_id": "D1:3", "text": ""},
            ],
            "session_2_date_time": "9:00 am on 1 June, 2023",
            "session_2": [{"speaker": "Ada", "dia_id": "D2:1", "text": "The kite is lost."}],
        },
        "qa": [
            {"question": "What did Ada buy?", "answer": "a kite", "evidence": ["D1:1"], "category": 4},
            {"question": "What became of it?", "answer": 7, "evidence": ["D1:1; D2:1"], "category": 1},
            {"question": "Is there a dog?", "evidence": [], "category": 5},
            {"question": "What is lost?", "evidence": ["D9:9"], "category": 2},
            {"question": "Who says so?", "evidence": ["D2:1", "D9:9"], "category": 2},
        ],
    }
]
REALTALK: dict[str, Any] = {
    "name": {"speaker_1": "Ada", "speaker_2": "Ben"},
    "session_1": [
        {"clean_text": "hey", "speaker": "Ada", "dia_id": "D1:1", "date_time": "29.12.2023, 00:51:12"},
        {"clean_text": "yo", "speaker": "Ben", "dia_id": "D1:2", "date_time": "29.12.2023, 00:52:00"},
    ],
    "qa": [{"question": "Who greets first?", "answer": "Ada", "evidence": ["D1:1"], "category": 1}],
}
BEAM_CHAT: list[dict[str, Any]] = [
    {
        "batch_number": 1,
        "time_anchor": None,
        "turns": [
            [
                {
                    "role": "user",
                    "id": 0,
                    "time_anchor": "March-15-2024",
                    "content": "My key is 12. ->-> 1,1",
                },
                {"role": "assistant", "id": 1, "content": "Noted.\n\nKeep it safe."},
            ]
        ],
    },
    {
        "batch_number": 2,
        "time_anchor": "April-02-2024",
        "turns": [[{"role": "user", "id": 2, "content": "It is 13 now."}]],
    },
]
BEAM_QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "abstention": [{"question": "Which bank?", "ideal_response": "It was never said."}],
    "knowledge_update": [
        {"question": "Which key?", "answer": "13", "source_chat_ids": {"old": [0], "new": [2]}}
    ],
    "summarization": [{"question": "Sum up.", "ideal_summary": "Keys.", "source_chat_ids": [0, 1, 2]}],
}
MESSAGES: list[dict[str, Any]] = [
    {"content": "I keep bees in Oslo.", "session_id": "s1", "metadata": {"id": "a"}},
    {"content": "The hive is blue.", "speaker": "Ben", "occurred_at": "2024-05-01", "metadata": {"id": "b"}},
    {"content": "No id here."},
]
QUESTIONS: list[dict[str, Any]] = [
    {"question": "Where are the bees?", "evidence": ["a"], "category": "place", "answer": "Oslo"},
    {"question": "Which colour?", "evidence": ["b"]},
]


def write_json(path: Path, value: object) -> Path:
    """One JSON document."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def write_lines(path: Path, *rows: object) -> Path:
    """JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_beam(folder: Path, chat: object = BEAM_CHAT, questions: object = BEAM_QUESTIONS) -> Path:
    """A BEAM folder."""
    folder.mkdir()
    write_json(folder / "chat.json", chat)
    write_json(folder / "probing_questions.json", questions)
    return folder

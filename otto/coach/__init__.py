"""The coach: answers to runners' questions, by a language model of the user's choice, with care and with sources.

    coach = Coach(settings)
    for event in coach.answer("How long should my long run be?", models[0]): ...

`named.py` says which models there are, `care.py` which questions need a doctor and not a coach, `grounding.py` puts
passages of the user's documents beside the question, `writing.py` has the model write, `advice.py` puts it together.
"""

"""National data opt-outs asked for over MESH: whom to ask about, what was asked, what came back, and its removal."""

/*
 * Copyright (C) nginx-intake contributors
 *
 * Sends forms without leaving the page, and says what is wrong beside each
 * field.  Without it the forms work all the same.
 */

"use strict";

for (const form of document.querySelectorAll("form[data-thanks]")) {
    const button = form.querySelector("button");
    const said = document.createElement("p");

    /* the server says it better, and beside the fields */
    form.noValidate = true;

    said.className = "error";
    said.tabIndex = -1;
    said.hidden = true;
    form.prepend(said);

    form.addEventListener("submit", async (event) => {
        event.preventDefault();

        if (button.getAttribute("aria-disabled") === "true") {
            return;
        }

        button.setAttribute("aria-disabled", "true");
        clear();

        try {
            const response = await fetch(form.action, {
                method: "POST",
                headers: { Accept: "application/json" },
                body: new FormData(form)
            });
            const answer = await response.json();

            if (response.ok) {
                thank(answer);
            } else {
                refuse(answer);
            }

        } catch {
            refuse({ detail: "Your message could not be sent. Is there a"
                             + " connection? Please try again." });
        }

        button.removeAttribute("aria-disabled");
    });


    function clear() {
        said.hidden = true;

        for (const old of form.querySelectorAll(".error:not([tabindex])")) {
            old.remove();
        }

        for (const field of form.querySelectorAll("[aria-invalid]")) {
            field.removeAttribute("aria-invalid");
            describe(field, field.dataset.hint || "");
        }
    }


    function refuse(answer) {
        let first = null;
        let others = "";

        for (const error of answer.errors || []) {
            const field = error.field && form.elements[error.field];

            if (!field || !field.id) {
                others += " " + error.message;
                continue;
            }

            const text = document.createElement("p");

            text.id = field.id + "-error";
            text.className = "error";
            text.textContent = error.message;
            field.before(text);

            field.dataset.hint = field.getAttribute("aria-describedby") || "";
            field.setAttribute("aria-invalid", "true");
            describe(field, (text.id + " " + field.dataset.hint).trim());

            first = first || field;
        }

        if (!first || others) {
            said.textContent = others || answer.detail || answer.error;
            said.hidden = false;
        }

        (first || said).focus();
    }


    function describe(field, ids) {
        if (ids) {
            field.setAttribute("aria-describedby", ids);
        } else {
            field.removeAttribute("aria-describedby");
        }
    }


    function thank(answer) {
        const heading = document.createElement("h2");
        const text = document.createElement("p");
        const thanks = document.createElement("section");

        heading.textContent = "Thank you";
        heading.tabIndex = -1;
        text.textContent = form.dataset.thanks;

        thanks.append(heading, text);
        thanks.dataset.id = answer.id;
        form.replaceWith(thanks);
        heading.focus();
    }
}

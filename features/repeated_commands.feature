@idempotency
Feature: A command that is sent twice is carried out once
  Networks lose answers. Whoever is not sure sends the same command with the same key again, and nothing happens twice.

  Background:
    Given a pilot account with a site and a technician
    And I am the dispatcher
    And a key for one command

  Scenario: The same command again is answered as before
    When I create a ticket "Door will not latch" with that key
    Then creating "Door will not latch" with that key again is answered as before
    And there is 1 ticket
    And the ticket has 1 transition and 1 audit event

  Scenario: The same key for another command is refused
    When I create a ticket "Door will not latch" with that key
    And I try to create a ticket "Window is broken" with that key
    Then it is refused with 409 IDEMPOTENCY_PAYLOAD_MISMATCH
    And there is 1 ticket

  Scenario: A command without a key is refused
    When I create a ticket "Door will not latch" without a key
    Then it is refused with 400 MISSING_IDEMPOTENCY_KEY
    And there are 0 tickets

  Scenario: A key of one person says nothing about another's
    When I create a ticket "Door will not latch" with that key
    And I am the agent
    And I create a ticket "Door will not latch" with that key
    Then there are 2 tickets

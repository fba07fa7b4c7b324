@on-call @alert
Feature: Operators see a scheduling backlog
  Background:
    Given a pilot account with a site and a technician
    And alerts are raised at the first sign

  Scenario: An undispatched ticket raises the alert, dispatching it clears the alert
    Given I am the dispatcher
    When I create a ticket "Door will not latch"
    And I triage it as URGENT "DOOR_WONT_LATCH" ready to schedule
    Then the alert STUCK_SCHEDULING fires within 5 s
    When I schedule and dispatch it to the technician
    Then the alert STUCK_SCHEDULING clears within 10 s
